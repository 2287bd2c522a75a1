/** Made-up rounds for `vite --mode mock`, chosen with `?scene=`. Never part of a production build. */
import type { FinishedVm, MemeVm, RoundVm } from "../src/app/model.ts";

const titles = [
  "When the mempool is empty again",
  "Nobody: / My node at 3am:",
  "POV you backed rank 9",
  "Distracted miner",
  "This is fine (chain reorg edition)",
  "One does not simply unspend a coin",
  "Gm",
  "The intern merged it on a Friday and went hiking without a phone",
];
const skins = ["#ffb347", "#7fd1ff", "#ff7f9c", "#b7a6ff", "#ffe066", "#8be28b", "#ff9a76", "#e6e6e6"];
const backs = ["#23406b", "#6b2335", "#1f5a4a", "#5a3b1f", "#3a2a63", "#7a2b5d", "#1c4d63", "#50541d"];

const face = (i: number): string => {
  const [skin, back] = [skins[i % 8], backs[i % 8]];
  const mouth = ["M70 190q50 50 100 0", "M70 205h100", "M70 215q50-50 100 0", "M95 195a25 25 0 1 0 50 0z"][
    i % 4
  ];
  const svg = `<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 240 300'><rect width='240' height='300' fill='${back}'/><circle cx='${190 - i * 9}' cy='50' r='${40 + i * 4}' fill='${skin}' opacity='.25'/><text x='120' y='40' font-size='19' font-weight='900' font-family='Arial' fill='white' text-anchor='middle'>WHEN THE POT IS BIG</text><ellipse cx='120' cy='165' rx='${88 + (i % 3) * 8}' ry='98' fill='${skin}'/><circle cx='86' cy='140' r='18' fill='#fff'/><circle cx='154' cy='${134 + (i % 3) * 5}' r='18' fill='#fff'/><circle cx='${90 - (i % 2) * 8}' cy='142' r='8'/><circle cx='${156 - (i % 2) * 8}' cy='140' r='8'/><path d='${mouth}' fill='none' stroke='#111' stroke-width='8' stroke-linecap='round'/></svg>`;
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
};
const hex = (i: number) =>
  String(i + 1)
    .padStart(2, "a")
    .repeat(32);

const meme = (i: number, of: number): MemeVm => ({
  memeId: hex(i),
  title: titles[i % titles.length] ?? "",
  image: face(i),
  boostSats: [48_230, 31_900, 18_410, 9_770, 6_020, 1_800, 420, 0][i % 8] ?? 0,
  score: of - i,
  backers: [41, 29, 17, 12, 6, 3, 1, 0][i % 8] ?? 0,
  rank: i + 1,
  order: ((i * 3) % of) + 1,
  blurred: i === 6,
  takenDown: false,
  mine: i === 3,
  myBoostSats: i === 0 ? 1_100 : i === 2 ? 100 : 0,
  creator: "",
});

const says = [
  "gm arena",
  "the mempool one is art",
  "putting 1000 on rank 5, watch",
  "who made the friday one, I need a hug",
  "30 seconds dark is evil",
  "boosted early, sleeping well",
  "rank 2 is coming for you",
];

export function roundOf(scene: string, start: number): RoundVm {
  const left =
    scene === "blind" ? 21_000 : scene === "empty" ? 588_000 : scene === "settling" ? -2_000 : 254_000;
  const closesAt = start + left;
  const memes = scene === "empty" ? [] : Array.from({ length: 8 }, (_, i) => meme(i, 8));
  return {
    roundId: `main-${Math.floor((closesAt - 600_000) / 1000)}`,
    phase: scene === "blind" ? "blind" : scene === "settling" ? "settling" : "open",
    opensAt: closesAt - 600_000,
    blindAt: closesAt - 30_000,
    closesAt,
    depositsCloseAt: closesAt - 5_000,
    pot: scene === "empty" ? 1_240 : 126_790,
    carryIn: 4_100,
    entryPrice: 1_000,
    seatFee: 30,
    minDeposit: 1_000,
    maxDeposit: 100_000,
    minBoost: 10,
    players: scene === "empty" ? 0 : 64,
    spectators: scene === "empty" ? 312 : 18_402,
    network: "devchain",
    memes,
    chat:
      scene === "empty"
        ? []
        : says.map((text, i) => ({
            seq: i + 1,
            playKey: `02${hex(i)}`,
            at: start - (says.length - i) * 21_000,
            text,
            mine: i === 5,
          })),
    connected: scene === "offline" ? "offline" : "live",
    role: "spectator",
  };
}

export function finishedOf(scene: string, start: number): FinishedVm | undefined {
  if (scene === "none") return undefined;
  const ranked = Array.from({ length: 8 }, (_, i) => meme(i, 8));
  const closesAt = start - (scene === "result" || scene === "empty" ? 12_000 : 340_000);
  const keys = [0, 1, 2, 3, 4].map((i) => `02${hex(i)}`);
  const paid = [31_204, 14_800, 9_112, 5_630, 970];
  return {
    myPayoutSats: 9_112,
    myWonSats: 5_012,
    detail: {
      roundId: "main-1795374600",
      arena: "main",
      opensAt: closesAt - 600_000,
      closesAt,
      outcome: "closed",
      pot: 118_310,
      players: 58,
      memes: 8,
      settlement: "sent",
      winner: { memeId: hex(0), title: titles[0] ?? "", image: face(0) },
      journalHash: hex(9),
      memesRanked: ranked.map((one, i) => ({
        memeId: one.memeId,
        title: one.title,
        image: one.image,
        rank: i + 1,
        winner: i < 3,
        boostSats: one.boostSats,
        backers: one.backers,
        creator: keys[i % 5],
        ...(i === 0
          ? {
              model: {
                memeId: one.memeId,
                glb: "/none.glb",
                poster: one.image,
                turntable: face(4),
                provider: "local",
              },
            }
          : {}),
      })),
      payouts: keys.map((playKey, i) => ({
        playKey,
        won: (paid[i] ?? 0) - 100,
        returned: 100,
      })),
      fee: 2_284,
      seatFees: 1_740,
      carryIn: 4_100,
      carryOut: 5_733,
      txids: [hex(20), hex(21)],
      settled: [],
    },
  };
}

export const galleryOf = (start: number) =>
  Array.from({ length: 10 }, (_, i) => ({
    memeId: hex(i),
    title: titles[i % titles.length] ?? "",
    image: face(i),
    poster: face(i),
    turntable: face(i + 1),
    glb: "/none.glb",
    provider: i % 3 === 0 ? ("aitubo" as const) : ("local" as const),
    roundId: `main-${1_795_374_600 - i * 600}`,
    at: start - i * 3_600_000,
  }));
