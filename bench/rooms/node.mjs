// A room as one writes it in Node: `ws`, one subscription to the same Valkey, a loop over the clients.
import { createServer } from "node:http";
import { connect } from "node:net";
import { WebSocketServer } from "ws";

const [port, socket] = process.argv.slice(2);
const server = createServer();
const room = new WebSocketServer({ server, perMessageDeflate: false });
const redis = connect(socket);
redis.write("*2\r\n$9\r\nSUBSCRIBE\r\n$5\r\nbench\r\n");

let buffer = Buffer.alloc(0);
redis.on("data", (data) => {
  buffer = Buffer.concat([buffer, data]);
  for (let reply = parse(0); reply; reply = parse(0)) {
    buffer = buffer.subarray(reply.end);
    const [kind, , text] = reply.parts;
    if (kind.toString() === "message") {
      const frame = text.toString();
      for (const client of room.clients) {
        client.send(frame);
      }
    }
  }
});

/** An array of three bulk strings or an integer, as replies to SUBSCRIBE and messages are; null until it is whole. */
function parse(at) {
  const line = (from) => {
    const end = buffer.indexOf("\r\n", from);
    return end < 0 ? null : { text: buffer.toString("latin1", from, end), end: end + 2 };
  };
  const head = line(at);
  if (!head) {
    return null;
  }
  const parts = [];
  let end = head.end;
  for (let left = Number(head.text.slice(1)); left > 0; left--) {
    const size = line(end);
    if (!size) {
      return null;
    }
    end = size.end;
    if (size.text[0] === "$") {
      const length = Number(size.text.slice(1));
      if (buffer.length < end + length + 2) {
        return null;
      }
      parts.push(buffer.subarray(end, end + length));
      end += length + 2;
    }
  }
  return { parts, end };
}

server.listen(Number(port), "127.0.0.1");
