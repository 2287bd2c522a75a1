/**
 * Everything that goes wrong during a soak, drawn from the seed. Owns: when a process is killed, when blocks come and
 * when they go again, which faults the node has for a while. Does not own: the faults themselves (the devchain's).
 */
import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import type { DevchainView } from "./chain-view.ts";
import type { Cluster, Service } from "./cluster.ts";
import { drawFaults } from "./faults.ts";
import type { Random } from "./random.ts";
import type { Grudge } from "./soaker.ts";
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
  /** Transactions that miners are to leave out for now. */
  unwanted(): string[];
  /** Second spends that wait for a reorganisation. */
  grudges(): Grudge[];
  signal: AbortSignal;
}

const BLOCK_MS = [1_500, 9_000] as const;
const DOWN_MS = [100, 3_000] as const;
/** How often two go down together. */
const SECOND_KILL = 0.3;
const FAULT_MS = [2_000, 6_000] as const;
const LOOK_MS = 1_000;
/** What is deeper is final (M5). */
const DEEPEST = 5;
const START_TRIES = 3;
const hitsSchema = z.object({ rules: z.array(z.object({ kind: z.string(), hits: z.number() })) });
const MORTAL = new Set(["auditor", "payment-worker", "game"]);

export class Chaos {
  private readonly options: ChaosOptions;
  private readonly deps: ChaosDeps;
  /** Being killed or started at this moment. */
  private readonly inHand = new Set<Service>();
  private readonly avenged = new Set<string>();
  private turn = 0;

  constructor(options: ChaosOptions, deps: ChaosDeps) {
    this.options = options;
    this.deps = deps;
  }

  /** Goes on until the signal fires; then everything that was killed is up again and no fault is left. */
  async run(): Promise<void> {
    const { killSeconds, reorgSeconds, faultSeconds } = this.options;
    await Promise.all([
      this.every(BLOCK_MS, () => this.block()),
      this.every([LOOK_MS, LOOK_MS], () => this.bringBackCrashed()),
      faultSeconds > 0 && this.every([0, faultSeconds * 1_000], () => this.fault()),
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
    await this.deps.chain.dev("mine", { leave: this.deps.unwanted() });
    this.deps.tally.count("blocks");
  }

  private async killOne(): Promise<void> {
    const { random } = this.deps;
    const victims = [this.choose(), random.chance(SECOND_KILL) ? this.choose() : undefined];
    await Promise.all(victims.map((service) => service && this.killAndStart(service)));
  }

  /** Somebody who can be killed now, taken in hand. */
  private choose(): Service | undefined {
    const mortal = this.deps.cluster.services.filter(
      (one) => MORTAL.has(one.role) && one.child.isUp && !this.inHand.has(one),
    );
    if (mortal.length === 0) return undefined;
    const service = this.deps.random.pick(mortal);
    this.inHand.add(service);
    return service;
  }

  private async killAndStart(service: Service): Promise<void> {
    const { random, tally } = this.deps;
    await service.child.kill();
    tally.count("kills");
    tally.count(`kills: ${service.role}`);
    await delay(random.int(...DOWN_MS));
    await this.bringBack(service);
  }

  /** What ended by itself is noted by its Child; the game goes on without waiting for a kill. */
  private async bringBackCrashed(): Promise<void> {
    for (const service of this.deps.cluster.services)
      if (MORTAL.has(service.role) && !service.child.isUp && !this.inHand.has(service)) {
        this.inHand.add(service);
        await this.bringBack(service);
      }
  }

  private async bringBack(service: Service): Promise<void> {
    try {
      await this.startAgain(service);
    } finally {
      this.inHand.delete(service);
    }
  }

  private async startAgain({ child }: Service): Promise<void> {
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

  /** Brings a double spend where one waits for it; else every third one throws a transaction or two out of the chain. */
  private async reorg(): Promise<void> {
    const { chain, random, tally } = this.deps;
    tally.count("reorgs");
    for (const grudge of this.deps.grudges().toReversed()) {
      if (this.avenged.has(grudge.txid)) continue;
      const { height } = (await chain.tx(grudge.deposit)) ?? {};
      const depth = height === undefined ? 1 : (await chain.tip()) - height + 1;
      if (depth > DEEPEST) continue;
      this.avenged.add(grudge.txid);
      await chain.dev("reorg", { depth, bring: [grudge.rawHex] });
      return tally.count("reorgs that brought a double spend");
    }
    const targets = random.chance(0.34) ? await this.deps.targets() : [];
    const drop = targets.length === 0 ? [] : [random.pick(targets), random.pick(targets)];
    await chain.dev("reorg", { depth: random.int(1, 3), drop: [...new Set(drop)] });
    if (drop.length > 0) tally.count("reorgs that dropped transactions");
  }

  /** The node misbehaves for a few seconds; how often each kind struck is counted. */
  private async fault(): Promise<void> {
    const { chain, random, signal, tally } = this.deps;
    await chain.dev("faults", drawFaults(random, this.turn++));
    try {
      await delay(random.int(...FAULT_MS), undefined, { signal }).catch(() => undefined);
      for (const { kind, hits } of hitsSchema.parse(await chain.faultHits()).rules) {
        tally.count("faults", hits);
        tally.count(`faults: ${kind}`, hits);
      }
    } finally {
      await chain.dev("faults", { rules: [] });
    }
  }
}
