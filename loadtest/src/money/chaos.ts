/**
 * Everything that goes wrong during a soak, drawn from the seed. Owns: when a process is killed, when blocks come and
 * when they go again, which faults the node has for a while. Does not own: the faults themselves (the devchain's).
 */
import { setTimeout as delay } from "node:timers/promises";
import type { DevchainView } from "./chain-view.ts";
import type { Cluster, Service } from "./cluster.ts";
import type { Random } from "./random.ts";
import type { Tally } from "./tally.ts";

export interface ChaosOptions {
  /** s between kills, about; 0 kills nobody. */
  killSeconds: number;
  /** s between reorganisations; 0 makes none. */
  reorgSeconds: number;
  /** s between faults; 0 injects none. */
  faultSeconds: number;
}

export interface ChaosDeps {
  cluster: Cluster;
  chain: DevchainView;
  tally: Tally;
  random: Random;
  /** Transactions worth dropping from the chain: deposits and what spends them. */
  targets(): Promise<string[]>;
  signal: AbortSignal;
}

const BLOCK_MS = [1_500, 9_000] as const;
const DOWN_MS = [100, 3_000] as const;
const START_TRIES = 3;
const MORTAL = new Set(["auditor", "payment-worker", "game"]);

export class Chaos {
  private readonly options: ChaosOptions;
  private readonly deps: ChaosDeps;

  constructor(options: ChaosOptions, deps: ChaosDeps) {
    this.options = options;
    this.deps = deps;
  }

  /** Goes on until the signal fires; then everything that was killed is up again and no fault is left. */
  async run(): Promise<void> {
    const { killSeconds, reorgSeconds } = this.options;
    await Promise.all([
      this.every(BLOCK_MS, () => this.block()),
      killSeconds > 0 && this.every([killSeconds * 600, killSeconds * 1_400], () => this.killOne()),
      reorgSeconds > 0 && this.every([reorgSeconds * 1_000, reorgSeconds * 1_000], () => this.reorg()),
    ]);
  }

  private async every(pause: readonly [number, number], work: () => Promise<void>): Promise<void> {
    const { random, signal, tally } = this.deps;
    const own = random.fork();
    while (!signal.aborted) {
      await delay(own.int(...pause), undefined, { signal }).catch(() => undefined);
      if (!signal.aborted) await work().catch((error: unknown) => tally.odd(error));
    }
  }

  private async block(): Promise<void> {
    await this.deps.chain.mine();
    this.deps.tally.count("blocks");
  }

  private async killOne(): Promise<void> {
    const { cluster, random, tally } = this.deps;
    const service = random.pick(cluster.services.filter(({ role }) => MORTAL.has(role)));
    await service.child.kill();
    tally.count("kills");
    tally.count(`kills: ${service.role}`);
    await delay(random.int(...DOWN_MS));
    await this.bringBack(service);
  }

  private async bringBack({ child }: Service): Promise<void> {
    const { tally } = this.deps;
    for (let left = START_TRIES; left > 0; left--) {
      try {
        await child.start();
        return;
      } catch (error) {
        tally.odd(error);
      }
    }
    tally.wrong({ rule: "R5", what: `${child.options.name} does not start again after a kill` });
  }

  /** Every third one throws a transaction or two out of the chain. */
  private async reorg(): Promise<void> {
    const { chain, random, tally } = this.deps;
    const depth = random.int(1, 3);
    const targets = random.chance(0.34) ? await this.deps.targets() : [];
    const drop = targets.length === 0 ? [] : [random.pick(targets), random.pick(targets)];
    await chain.dev("reorg", { depth, drop: [...new Set(drop)] });
    tally.count("reorgs");
    if (drop.length > 0) tally.count("reorgs that dropped transactions");
  }
}
