// A room as one writes it with socket.io: one subscription to the same Valkey, `emit` to all.
import { createServer } from "node:http";
import { Server } from "socket.io";
import { subscribe } from "./valkey.mjs";

const [port, socket] = process.argv.slice(2);
const server = createServer();
const room = new Server(server, { transports: ["websocket"] });
subscribe(socket, "bench", (text) => room.emit("message", JSON.parse(text)));
server.listen(Number(port), "127.0.0.1");
