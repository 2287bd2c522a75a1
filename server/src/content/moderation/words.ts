/**
 * The words that titles and chat are searched for (C2, R10), and those that only look like them.
 * Owns: the lists. Does not own: how text is read (text.ts). English only; docs/MODERATION.md says what that means.
 *
 * `reject`: slurs, threats, the sexual abuse of children. `review`: crude or sexual; a moderator looks at a title,
 * and in chat it passes. Mild swearing (damn, hell, crap, ass, piss, bastard) is in neither: this is a meme game.
 */
export type WordLevel = "reject" | "review";

export interface Word {
  word: string;
  level: WordLevel;
  /** `word`: alone or with an ending. `start`: at a word's beginning. `anywhere`: also inside of one. */
  where: "word" | "start" | "anywhere";
}

const words = (level: WordLevel, where: Word["where"], list: string): Word[] =>
  list
    .split(/\s+/)
    .filter((word) => word !== "")
    .map((word) => ({ word, level, where }));

export const WORDS: readonly Word[] = [
  ...words("reject", "anywhere", "nigger nigga faggot sandnigger porchmonkey raghead towelhead jigaboo"),
  ...words("reject", "word", "nggr niglet kike gook wetback paki tranny darkie beaner golliwog untermensch"),
  ...words("reject", "word", "kys lolicon childporn kiddieporn pedoporn"),
  ...words(
    "review",
    "anywhere",
    "fuck cunt bitch asshole arsehole cocksuck motherfuck blowjob handjob rimjob",
  ),
  ...words("review", "anywhere", "bullshit horseshit dipshit cumshot gangbang deepthroat buttplug bukkake"),
  ...words("review", "start", "shit porn masturbat orgasm ejaculat dickhead dickpic slut titties"),
  ...words(
    "review",
    "word",
    "fag cock dick pussy penis vagina cum jizz dildo anal anus whore wank wanker twat",
  ),
  ...words(
    "review",
    "word",
    "boob tits milf orgy sex nudes hentai incest bestiality rape rapist pedo fellatio",
  ),
  ...words("review", "word", "retard retarded chink spic coon dyke shemale fuk fuq fck fcking fuking pron"),
];

/** Whole phrases, single spaces between their words. */
export const PHRASES: readonly { phrase: string; level: WordLevel }[] = [
  { phrase: "kill yourself", level: "reject" },
  { phrase: "kill urself", level: "reject" },
  { phrase: "kill your self", level: "reject" },
  { phrase: "go hang yourself", level: "reject" },
  { phrase: "gas the jews", level: "reject" },
  { phrase: "heil hitler", level: "reject" },
  { phrase: "sieg heil", level: "reject" },
  { phrase: "white power", level: "reject" },
  { phrase: "child porn", level: "reject" },
  { phrase: "kiddie porn", level: "reject" },
  { phrase: "kill all jews", level: "reject" },
  { phrase: "kill all muslims", level: "reject" },
];

/** Words and names that hold one of the above and mean no harm, as they read once letters are unified. */
export const SPARED: readonly string[] = [
  "scunthorpe",
  "snigger",
  "niggard",
  "shitake",
  "shiitake",
  "shittim",
  "pornic",
  "slutsk",
  "wankel",
  "habitch",
  "moby dick",
  "dick tracy",
  "dick van dyke",
  "philip k dick",
  "van dyke",
  "spotted dick",
  "maine coon",
  "cum laude",
  "pussy willow",
  "pussy riot",
  "chink in the armor",
  "chink in the armour",
  "spic and span",
  "sex pistols",
  "sex education",
  "sex and the city",
  "same sex",
  "blue footed boob",
];

/** Words whose parts, written apart, are seldom two words of their own: "fu ck", but never "an us". */
export const SPLIT: readonly string[] = [
  "nigger",
  "nigga",
  "faggot",
  "fuck",
  "motherfuck",
  "cunt",
  "bitch",
  "asshole",
  "retard",
  "pussy",
  "blowjob",
  "dildo",
];
