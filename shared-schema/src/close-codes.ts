/** Close codes of ours on the round's sockets (I5). A client comes back by itself after none but `handedOver`. */
export const SOCKET_CLOSE = {
  /** Went on far beyond a limit: joining is refused for a minute. */
  kicked: 4129,
  /** The address was put on the deny list. */
  denied: 4103,
  /** The session has ended: signed out or revoked somewhere, its play key revoked, or not refreshed in time (I2). */
  signedOut: 4104,
  /** R11: the round goes on in another process. The client joins it there at once. */
  handedOver: 4105,
} as const;
