/**
 * The one registry of coded errors, shared by both sides (R9). Owns: every code, its HTTP status, the sentence
 * a person reads, the advice, and whether sending the same thing again can help. Does not own: transport.
 */

interface ErrorSpec {
  /** HTTP status used on REST. */
  status: number;
  /** What happened, one sentence. */
  sentence: string;
  /** What to do, one sentence. */
  advice: string;
  /** True when the same command may succeed later unchanged. */
  retry: boolean;
}

const e = (status: number, sentence: string, advice: string, retry = false): ErrorSpec => ({
  status,
  sentence,
  advice,
  retry,
});

export const ERRORS = {
  ACCOUNT_BUSY: e(
    409,
    "Coins of yours are in a round that is not paid out yet.",
    "Try again when your rounds are paid.",
    true,
  ),
  ADDRESS_WRONG: e(422, "This is not an address of this network.", "Copy the address again, whole."),
  APPEAL_NOT_POSSIBLE: e(
    409,
    "Only a rejected picture can be appealed, once, and within a day.",
    "Upload another picture.",
  ),
  AUTH_REQUIRED: e(401, "This needs a signed-in player.", "Sign in with a wallet and try again."),
  AVATAR_REFUSED: e(
    422,
    "This is no approved picture of yours.",
    "Upload it, or choose one that you have entered in a round.",
  ),
  BACKUP_UNREADABLE: e(
    422,
    "This is neither a key, nor its words, nor a backup file that can be read.",
    "Type the words or the key again, or choose the file as it was saved.",
  ),
  BAD_REQUEST: e(400, "The request does not have the documented shape.", "Compare it with /api/docs."),
  BALANCE_LOW: e(422, "The wallet does not hold enough.", "Send less, or fill the wallet first."),
  BODY_TOO_LARGE: e(413, "The request body is larger than allowed.", "Send less."),
  BOOST_TOO_SMALL: e(422, "The boost is below the minimum.", "Boost with at least the round's minimum."),
  CHALLENGE_EXPIRED: e(400, "This sign-in challenge has expired or was used.", "Ask for a new challenge."),
  CHAT_EMPTY: e(422, "The chat line is empty.", "Write something."),
  CHAT_OUT_OF_ORDER: e(
    409,
    "The chat line's number is not the next one.",
    "Read `you.chatNext` and sign again.",
  ),
  CHAT_REFUSED: e(422, "The chat line has a slur or a threat in it.", "Say it another way."),
  CHAT_SIGNATURE_INVALID: e(422, "The chat line's signature does not verify.", "Sign it with the play key."),
  CHAT_TOO_LONG: e(422, "The chat line is longer than 240 characters.", "Shorten it."),
  CONSENT_REQUIRED: e(
    403,
    "The terms have changed, and you have not accepted them yet.",
    "Read them and accept them; your coins stay yours either way.",
  ),
  CONTENT_NOT_APPROVED: e(
    409,
    "This picture has not been approved.",
    "Wait for the verdict or upload another.",
  ),
  CONTENT_NOT_YOURS: e(403, "This picture was uploaded by somebody else.", "Upload your own."),
  CONTENT_UNKNOWN: e(404, "There is no such content.", "Upload the picture again."),
  COOLING_OFF: e(
    403,
    "You are taking a break that you asked for.",
    "Play again when it is over; withdrawing works all the time.",
  ),
  DEPOSIT_AMOUNT_HIGH: e(422, "The deposit is above the maximum.", "Deposit less."),
  DEPOSIT_AMOUNT_LOW: e(422, "The deposit is below the minimum.", "Deposit more."),
  DEPOSIT_CAP_REACHED: e(
    409,
    "This round takes no more deposits that are not in a block yet.",
    "Send it to the network yourself and deposit it once it is mined, or join the next round.",
    true,
  ),
  DEPOSIT_CLAIMED: e(409, "This deposit was already credited.", "Nothing to do: it counts once."),
  DEPOSIT_CONFLICT: e(
    409,
    "Another transaction spends the same coins.",
    "Pay with coins that are not spent.",
  ),
  DEPOSIT_INPUTS_UNKNOWN: e(
    409,
    "The network does not know the coins this spends.",
    "Send the parents first.",
    true,
  ),
  DEPOSIT_MALFORMED: e(
    422,
    "The deposit transaction cannot be read.",
    "Build it again from /rounds/current.",
  ),
  DEPOSIT_MINED_ONLY: e(
    403,
    "A deposit of yours was dropped lately: for 7 days only mined ones count.",
    "Send the transaction to the network, wait for a block, then deposit it.",
    true,
  ),
  DEPOSIT_OVERSPENT: e(409, "Not enough of your deposit is left.", "Deposit more, or spend less."),
  DEPOSIT_PENDING: e(
    202,
    "The network has not answered yet.",
    "Wait: an `accepted` follows when it has.",
    true,
  ),
  DEPOSIT_PROOF_WRONG: e(
    422,
    "A merkle path of the deposit's parents leads to no block.",
    "Send the transaction without BEEF, or with paths of the present chain.",
  ),
  DEPOSIT_REJECTED: e(422, "The network refused the deposit.", "Read the message, build a new one."),
  DEPOSIT_SCRIPT_WRONG: e(
    422,
    "Output 0 is not this round's escrow for your key.",
    "Build it from /rounds/current.",
  ),
  DEPOSITS_CLOSED: e(409, "Deposits of this round are closed.", "Deposit in the next round."),
  ENTRIES_CLOSED: e(409, "Entries of this round are closed.", "Enter the next round."),
  ENTRY_LIMIT: e(
    409,
    "You have entered as many memes as a round allows.",
    "Back others, or wait for the next round.",
  ),
  ENTRY_PRICE_CHANGED: e(409, "The entry price has changed.", "Read the price in force and sign again."),
  FAUCET_OFF: e(404, "There is no faucet on this network.", "Send coins to your address."),
  INTERNAL: e(500, "Something failed on our side.", "Try again; quote the error id if it stays.", true),
  IP_DENIED: e(403, "This address may not use the service.", "Write to the operator if you think it should."),
  IP_RULE_INVALID: e(
    422,
    "This is no rule for addresses.",
    "Write an address or a block like 10.0.0.0/8 or 2001:db8::/32, and an end that lies ahead.",
  ),
  IP_RULE_LOCKS_OUT: e(
    409,
    "This would lock out the address you are calling from.",
    "Allow your own address first, or send `force` if you mean it.",
  ),
  IP_RULE_UNKNOWN: e(404, "There is no such rule for addresses.", "List the rules."),
  IP_RULES_FULL: e(
    409,
    "There are as many rules for addresses as there may be.",
    "Take some away, or join blocks.",
  ),
  KEYSTORE_ABSENT: e(
    500,
    "There is no keystore file.",
    "Make one with npm run keys -- make operator (or auditor).",
  ),
  KEYSTORE_BUSY: e(
    409,
    "Another change of this keystore is under way, or was cut short.",
    "Wait for it; when no other runs, delete the file that ends in .new.",
  ),
  KEYSTORE_DAMAGED: e(500, "The keystore file was changed or is damaged.", "Restore it from its backup."),
  KEYSTORE_DEVELOPMENT: e(
    500,
    "The keystore holds keys that a development start made.",
    "Make keys of your own with npm run keys -- make, in another DATA_DIR.",
  ),
  KEYSTORE_EXISTS: e(409, "There is a keystore file already.", "Move it away first: it may hold money."),
  KEYSTORE_EXPOSED: e(
    500,
    "The keystore file can be read by others than its owner.",
    "Run chmod 600 on it; take the keys for known to others if strangers had access.",
  ),
  KEYSTORE_KEY_MISSING: e(500, "The keystore does not hold this key.", "Name the keystore that does."),
  KEYSTORE_PASSPHRASE_WRONG: e(
    401,
    "The keystore's passphrase is wrong.",
    "Set the passphrase it was made with.",
  ),
  JOURNAL_PRIVATE: e(
    403,
    "The journal of a voided round stays closed: it names creators.",
    "See /proof: every deposit went back in full.",
  ),
  KEY_NOT_KEPT: e(
    409,
    "This browser does not keep the wallet's key.",
    "Leave private browsing or use another browser; a backup brings the key back.",
  ),
  MEDIA_LINK_INVALID: e(
    403,
    "This address of a picture has expired or was not made here.",
    "Use the public address, /media/<sha256>.",
  ),
  MEDIA_TAKEN_DOWN: e(410, "This was taken down.", "It does not come back; look at something else."),
  MEDIA_TYPE_WRONG: e(415, "The request's body is not of a type taken here.", "Send it as application/json."),
  MEME_DUPLICATE: e(409, "This picture is in the round already, or nearly.", "Enter another one."),
  MEME_OWN: e(409, "You cannot boost a meme of your own.", "Back somebody else's."),
  MEME_TAKEN_DOWN: e(409, "This meme was taken down.", "Back another one."),
  MEME_UNKNOWN: e(404, "There is no such meme in this round.", "Reload the round."),
  MESSAGE_UNKNOWN: e(400, "There is no such message.", "See the protocol page."),
  NAME_REFUSED: e(422, "This name is not for the arena.", "Choose another one."),
  NETWORK_REFUSED: e(422, "The network refused the transaction.", "Read the message; build a new one."),
  NOT_FOUND: e(404, "There is nothing here.", "Check the address."),
  NOT_READY: e(409, "The round has not introduced itself yet.", "Wait for `you`, then send again.", true),
  ORIGIN_REFUSED: e(403, "Another website may not do this here.", "Open the game's own page."),
  PASSPHRASE_WRONG: e(
    403,
    "This is not the right passphrase.",
    "Type it again. If it is forgotten, the 12 words or the private key do without it.",
  ),
  PHASE_WRONG: e(409, "The round is past the phase for this.", "Wait for the next round."),
  PICTURE_BROKEN: e(422, "The picture cannot be decoded.", "Save it again and upload that."),
  PICTURE_EMPTY: e(422, "The upload has no picture in it.", "Choose a file."),
  PICTURE_TOO_LARGE: e(413, "The picture is larger than 10 MB.", "Make it smaller."),
  PICTURE_TOO_MANY_PIXELS: e(422, "The picture has too many pixels.", "Scale it below 40 megapixels."),
  PICTURE_TOO_SMALL: e(422, "The picture is smaller than 64 pixels a side.", "Upload a larger one."),
  PICTURE_TYPE_UNSUPPORTED: e(415, "This is not a JPEG, PNG, WebP or GIF.", "Convert it and upload that."),
  PLAY_KEY_CURRENT: e(
    409,
    "This is the play key you are signed in with.",
    "Sign in with another one, on another device, and revoke it from there.",
  ),
  PLAY_KEY_REVOKED: e(
    403,
    "This play key was revoked.",
    "Make a new play key; the coins of this one can still be withdrawn with it.",
  ),
  PLAY_KEY_TAKEN: e(409, "This play key belongs to another identity.", "Make a new play key."),
  PLAY_LIMIT_REACHED: e(
    409,
    "This would go beyond the deposit limit that you have set for 24 hours.",
    "Deposit less, or wait.",
  ),
  PLAY_KEY_UNKNOWN: e(404, "You have no such play key.", "List your play keys."),
  PLAY_KEYS_FULL: e(
    409,
    "You have as many play keys as one may have.",
    "Sign in with one that you have already.",
  ),
  PLAY_SIGNATURE_INVALID: e(400, "The play key's signature does not verify.", "Sign with the key you named."),
  PREVIEW_FAILED: e(422, "No model can be made of this picture.", "Try another shape, or another picture."),
  QUOTE_CHANGED: e(
    409,
    "What it costs has changed since it was shown.",
    "Look at the new figures and confirm.",
  ),
  RATE_LIMITED: e(429, "Too many requests.", "Slow down and try again.", true),
  RECEIPT_INVALID: e(
    422,
    "The server of this round did not sign this receipt.",
    "Send the receipt as it was answered, with the id of its own round.",
  ),
  REF_REUSED: e(409, "This ref was used for another command.", "Make a new ref for a new command."),
  REFRESH_INVALID: e(401, "This refresh token is not valid any more.", "Sign in again."),
  REPORT_NOT_ALLOWED: e(
    403,
    "Reports count from players of this round only.",
    "Enter or back something first.",
  ),
  REPORT_TWICE: e(409, "You have reported this meme already.", "Nothing to do."),
  REVIEW_ITEM_UNKNOWN: e(
    409,
    "This is not in the review queue, or another moderator is deciding it.",
    "Load the queue again.",
  ),
  ROLE_REQUIRED: e(403, "Your role does not allow this.", "Sign in as a moderator or an admin."),
  ROUND_FULL: e(409, "The round has all the memes it takes.", "Enter the next round."),
  ROUND_LIVE: e(425, "The round is still being played.", "Ask again after it has closed.", true),
  ROUND_NONE: e(503, "No round is live this moment.", "Try again in a second.", true),
  ROUND_UNKNOWN: e(404, "There is no such round.", "Check the round's id."),
  SELF_EXCLUDED: e(
    403,
    "You have excluded yourself from playing.",
    "Watching and withdrawing work all the time.",
  ),
  SESSION_UNKNOWN: e(404, "There is no such session.", "List your sessions."),
  SIGNER_CHANGED: e(
    409,
    "The wallet is on another account than a moment ago.",
    "Choose the account you want in the wallet, then sign in again.",
  ),
  SIGNER_FAILED: e(502, "The wallet did not do it.", "Try again, or choose another wallet."),
  SIGNER_LOCKED: e(403, "The wallet is locked.", "Unlock it, allow this page, and try again."),
  SIGNER_REJECTED: e(403, "You declined in the wallet.", "Nothing has happened. Try again when you like."),
  SIGNER_SILENT: e(
    504,
    "The wallet does not answer.",
    "Open it and look for a question there; reload this page, or choose another wallet.",
  ),
  SPENDING_LIMIT: e(
    409,
    "This would go beyond the limit you have set for this wallet.",
    "Wait, or change the limit in the wallet.",
  ),
  SIGNATURE_INVALID: e(400, "The wallet's signature does not verify.", "Sign the challenge's exact message."),
  TITLE_INVALID: e(422, "The title must have 1 to 80 characters.", "Change the title."),
  TOKEN_INVALID: e(401, "The access token is not valid or has expired.", "Refresh it or sign in again."),
  UNAVAILABLE: e(503, "A part of the system is not reachable.", "Try again in a moment.", true),
  VOUCHER_CHAIN_BROKEN: e(409, "The voucher does not continue your last one.", "Read `you` and sign again."),
  VOUCHER_FOREIGN_ROUND: e(409, "The voucher was signed for another round.", "Sign for this round."),
  VOUCHER_KEY_MISMATCH: e(
    403,
    "The voucher is of another play key.",
    "Sign with the key you signed in with.",
  ),
  VOUCHER_MALFORMED: e(422, "The voucher's bytes cannot be read.", "See protocol.md 3."),
  VOUCHER_MEME_MISMATCH: e(422, "The voucher names another meme than the message.", "Sign for this meme."),
  VOUCHER_SEQ_STALE: e(
    409,
    "The voucher's number is not the next one.",
    "Read `you.nextSeq` and sign again.",
  ),
  VOUCHER_SIGNATURE_INVALID: e(
    422,
    "The voucher's signature does not verify.",
    "Sign with the play key, low S.",
  ),
  WALLET_ELSEWHERE: e(409, "The wallet is in use in another tab.", "Play there, or take it over here."),
  WALLET_LOCKED: e(409, "The wallet is locked.", "Unlock it with your passphrase and try again."),
  WALLET_MISSING: e(404, "There is no such wallet in this browser.", "Install it and open this page again."),
  WALLET_NETWORK: e(409, "The wallet is on another network.", "Switch its network and try again."),
  WALLET_UNSUPPORTED: e(
    400,
    "This kind of wallet cannot sign in yet.",
    "Use the wallet made in the browser.",
  ),
} as const satisfies Record<string, ErrorSpec>;

export type ErrorCode = keyof typeof ERRORS;

export const isErrorCode = (code: string): code is ErrorCode => Object.hasOwn(ERRORS, code);

/** True when sending the same bytes again cannot help (R9). */
export const isTerminal = (code: ErrorCode): boolean => !ERRORS[code].retry;

/** An error with a code of the registry; `detail` says what exactly, for a person. */
export class CodedError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, detail?: string, options?: ErrorOptions) {
    super(detail ?? ERRORS[code].sentence, options);
    this.name = "CodedError";
    this.code = code;
  }
}

/** A refused command: the shape that `rejected` and problem documents are made from. */
export interface Refusal {
  ok: false;
  code: ErrorCode;
  message?: string;
}

export const refuse = (code: ErrorCode, message?: string): Refusal =>
  message === undefined ? { ok: false, code } : { ok: false, code, message };
