// A room as one writes it in Node: `ws`, one subscription to the same Valkey, a loop over the clients.
import { createServer } from "node:http";
import { WebSocketServer } from "ws";
import { subscribe } from "./valkey.mjs";

const [port, socket] = process.argv.slice(2);
const server = createServer();
const room = new WebSocketServer({ server, perMessageDeflate: false });
subscribe(socket, "bench", (text) => {
  for (const client of room.clients) {
    client.send(text);
  }
});
server.listen(Number(port), "127.0.0.1");
