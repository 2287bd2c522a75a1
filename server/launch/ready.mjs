// @ts-check
/**
 * Asking a process whether it is ready, once.
 * Owns: the three ways to ask (HTTP, an open port, Redis' PING). Does not own: how often and how long to ask.
 */
import { get } from "node:http";
import { connect, createServer } from "node:net";

const answerMs = 1_000;

/**
 * @param {import("./plan.mjs").Ready} ready
 * @returns {Promise<boolean>} false also when nobody listens
 */
export function isReady(ready) {
  switch (ready.kind) {
    case "http":
      return answersOk(ready.url);
    case "tcp":
      return converse(ready.port, undefined);
    case "redis":
      // While it loads its data it answers -LOADING.
      return converse(ready.port, { say: "PING\r\n", hear: "+PONG" });
  }
}

/**
 * @param {number} port of 127.0.0.1
 * @returns {Promise<boolean>} true when it can be listened on
 */
export function isPortFree(port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

/**
 * @param {string} url
 * @returns {Promise<boolean>}
 */
function answersOk(url) {
  return new Promise((resolve) => {
    const request = get(url, { timeout: answerMs, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.once("timeout", () => request.destroy());
    request.once("error", () => resolve(false));
    request.once("close", () => resolve(false));
  });
}

/**
 * @param {number} port
 * @param {{ say: string, hear: string } | undefined} words undefined: being let in is enough
 * @returns {Promise<boolean>}
 */
function converse(port, words) {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" });
    /** @param {boolean} value */
    const end = (value) => {
      socket.destroy();
      resolve(value);
    };
    socket.setTimeout(answerMs, () => end(false));
    socket.once("error", () => end(false));
    socket.once("connect", () => (words === undefined ? end(true) : socket.write(words.say)));
    socket.once("data", (data) => end(words !== undefined && String(data).startsWith(words.hear)));
  });
}
