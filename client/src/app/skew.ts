/**
 * A page that is older than the server (R11). Owns: noticing it, and starting the page again: between two rounds and while
 * nothing is under way, or at once where the two cannot understand each other. Never again and again for one build.
 * Does not own: reloading itself, what counts as under way.
 */
import type { ServerVersion } from "@meme-rounds/shared-schema/protocol";
import type { NoticeVm } from "./model.ts";

export interface SkewDeps {
  /** This page's own. */
  version: ServerVersion;
  /** Of this tab alone: other tabs start again for themselves. */
  storage: Pick<Storage, "getItem" | "setItem">;
  now: () => number;
  after: (ms: number, work: () => void) => () => void;
  random: () => number;
  /** A command is open, or somebody is in the middle of something. */
  isBusy: () => boolean;
  reload: () => void;
  notice: (kind: NoticeVm["kind"], text: string, id?: string) => void;
}

export interface Skew {
  /** What a server said of itself. During a deploy not all say the same. */
  heard(server: ServerVersion | undefined): void;
  /** A part of this page that is loaded late did not come: where the server is newer, it is not there any more. */
  partMissing(): void;
  /** The round that is shown, told again and again. */
  round(roundId: string): void;
}

const KEY = "mr:builds";
/** Everybody's round ends in the same moment: their pages come back over this time, ms. */
const SPREAD_MS = 8_000;
/** The sentence can be read before the page goes, ms. */
const READ_MS = 2_500;
/** A build that did not come when it was asked for is asked for again after this, ms: another process may have it then. */
const AGAIN_MS = 15 * 60_000;
const KEPT = 8;
/** Stands for whichever build has it: the page cannot know. */
const PART = "part";

const NEWER = "The game was updated, and this page does not fit it any more. It starts again now.";
const STUCK = "This page is out of date and cannot renew itself. Close it and open the game anew.";

type Tried = Record<string, number>;

export function createSkew(deps: SkewDeps): Skew {
  const { version, storage, now } = deps;
  let other: string | undefined;
  let shown: string | undefined;
  let leaving = false;

  const tried = (): Tried => {
    try {
      return JSON.parse(storage.getItem(KEY) ?? "{}") as Tried;
    } catch {
      return {}; // Not ours, or half of it.
    }
  };
  const wasTried = (build: string): boolean =>
    now() - (tried()[build] ?? Number.NEGATIVE_INFINITY) < AGAIN_MS;

  /** Noted first: whatever comes back knows that it was asked for. */
  const go = (build: string): void => {
    const newest = Object.entries({ ...tried(), [build]: now() }).sort(([, a], [, b]) => b - a);
    storage.setItem(KEY, JSON.stringify(Object.fromEntries(newest.slice(0, KEPT))));
    deps.reload();
  };

  const leaveAtOnce = (build: string): void => {
    if (leaving) return;
    leaving = true;
    if (wasTried(build)) {
      deps.notice("error", STUCK, "skew");
      return;
    }
    deps.notice("warning", NEWER, "skew");
    deps.after(READ_MS + deps.random() * READ_MS, () => go(build));
  };

  return {
    heard(server) {
      if (server === undefined || version.build === "" || server.build === "") return;
      if (server.protocol !== version.protocol) leaveAtOnce(server.build);
      else other = server.build === version.build ? undefined : server.build;
    },
    partMissing() {
      // Without a newer build it was the network: whoever asked for the part is told so, and may ask again.
      if (other !== undefined && !wasTried(PART)) go(PART);
    },
    round(roundId) {
      const began = shown !== undefined && shown !== roundId;
      shown = roundId;
      if (!began || other === undefined || wasTried(other)) return;
      deps.after(deps.random() * SPREAD_MS, () => {
        // It may be gone again, and somebody may have begun something: then after the next round.
        if (other !== undefined && shown === roundId && !leaving && !deps.isBusy()) go(other);
      });
    },
  };
}
