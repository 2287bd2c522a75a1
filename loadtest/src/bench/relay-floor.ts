/**
 * What a relay is measured against: a server that sends the same bytes to every socket with `ws` and does nothing else.
 * Usage: relay-floor.ts <port>. POST /patch broadcasts its body. Owns: nothing but its sockets.
 */
import { createServer } from "node:http";
import { type WebSocket, WebSocketServer } from "ws";

const sockets = new Set<WebSocket>();
const server = createServer(async (req, res) => {
  const parts: Buffer[] = [];
  for await (const part of req) parts.push(part as Buffer);
  const bytes = Buffer.concat(parts);
  if (bytes.length > 0) for (const socket of sockets) socket.send(bytes);
  res.end();
});
const sink = new WebSocketServer({ server, perMessageDeflate: false, clientTracking: false });
sink.on("connection", (socket) => {
  sockets.add(socket);
  socket.on("close", () => sockets.delete(socket));
});
server.listen(Number(process.argv[2]), "127.0.0.1", 4_096);
process.on("SIGTERM", () => process.exit(0));
