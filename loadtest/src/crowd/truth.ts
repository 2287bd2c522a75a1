/**
 * The round's state as a player in the room sees it, moment by moment: what every spectator's has to be.
 * Owns: one SDK client and the hashes of the last minutes. Does not own: comparing (compare.ts).
 */
import { hashJson } from "@meme-rounds/shared-schema/hash";
import { Player } from "../player.ts";

/** States remembered: at ten a second, more than five minutes. */
const MEMORY = 4_000;

export class Truth {
  private readonly hashes = new Map<number, string>();
  private readonly player: Player;

  private constructor(player: Player) {
    this.player = player;
  }

  /** Joins the live round's room. Throws what the server says. */
  static async watch(url: string): Promise<Truth> {
    const player = new Player(url);
    await player.signIn();
    const round = await player.current();
    const truth = new Truth(player);
    await player.join(round.roomId);
    player.room?.onStateChange((state) => truth.see(state.serverTime, hashJson(state.toJSON())));
    return truth;
  }

  /** sha256 of the state of that moment; undefined for one that was not seen. */
  at(serverTime: number): string | undefined {
    return this.hashes.get(serverTime);
  }

  async leave(): Promise<void> {
    await this.player.leave();
  }

  private see(serverTime: number, hash: string): void {
    this.hashes.set(serverTime, hash);
    const [oldest] = this.hashes.keys();
    if (this.hashes.size > MEMORY && oldest !== undefined) this.hashes.delete(oldest);
  }
}
