// A subscription to a Valkey's channel, without a client library: both servers of Node measure the same one.
import { connect } from "node:net";

/** @param {string} path of the Unix socket @param {string} channel @param {(text: string) => void} heard */
export function subscribe(path, channel, heard) {
  const valkey = connect(path);
  valkey.write(`*2\r\n$9\r\nSUBSCRIBE\r\n$${channel.length}\r\n${channel}\r\n`);
  let buffer = Buffer.alloc(0);
  valkey.on("data", (data) => {
    buffer = Buffer.concat([buffer, data]);
    for (let reply = parse(buffer); reply; reply = parse(buffer)) {
      buffer = buffer.subarray(reply.end);
      const [kind, , text] = reply.parts;
      if (kind.toString() === "message") {
        heard(text.toString());
      }
    }
  });
}

/** An array of three bulk strings or an integer, as replies to SUBSCRIBE and messages are; null until it is whole. */
function parse(buffer) {
  const line = (from) => {
    const end = buffer.indexOf("\r\n", from);
    return end < 0 ? null : { text: buffer.toString("latin1", from, end), end: end + 2 };
  };
  const head = line(0);
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
