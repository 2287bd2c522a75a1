/** `npm run bench [signatures|signin|boosts|limits|money|devchain|models|moderation|pipeline|page|newcomer|redis|relay|replay|room]`: the project's figures, each beside a floor of the same run. */
import { benchBoosts } from "./bench/boosts.ts";
import { benchDevchain } from "./bench/devchain.ts";
import { benchLimits } from "./bench/limits.ts";
import type { Figure } from "./bench/measure.ts";
import { show } from "./bench/measure.ts";
import { benchModels } from "./bench/models.ts";
import { benchModeration } from "./bench/moderation.ts";
import { benchMoney } from "./bench/money.ts";
import { benchNewcomer } from "./bench/newcomer.ts";
import { benchPage } from "./bench/page.ts";
import { benchPipeline } from "./bench/pipeline.ts";
import { benchRedis } from "./bench/redis.ts";
import { benchRelay } from "./bench/relay.ts";
import { benchReplay } from "./bench/replay.ts";
import { benchRoom } from "./bench/room.ts";
import { benchSignatures } from "./bench/signatures.ts";
import { benchSignin } from "./bench/signin.ts";

const benches: Record<string, () => Promise<Figure[]>> = {
  signatures: benchSignatures,
  signin: benchSignin,
  boosts: benchBoosts,
  limits: benchLimits,
  money: benchMoney,
  devchain: benchDevchain,
  models: benchModels,
  moderation: benchModeration,
  pipeline: benchPipeline,
  page: benchPage,
  newcomer: benchNewcomer,
  redis: benchRedis,
  relay: benchRelay,
  replay: benchReplay,
  room: benchRoom,
};

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !(name in benches));
if (unknown.length > 0) {
  console.error(
    `There is no bench called ${unknown.join(", ")}. Choose from: ${Object.keys(benches).join(", ")}.`,
  );
  process.exit(1);
}
const figures: Figure[] = [];
for (const [name, bench] of Object.entries(benches))
  if (asked.length === 0 || asked.includes(name)) figures.push(...(await bench()));
show(figures);
