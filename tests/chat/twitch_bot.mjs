// A bot on tmi.js, told what to do by lines of JSON on stdin; what it hears goes to stdout as lines of JSON.
import { createInterface } from "node:readline";
import tmi from "tmi.js";

const { port, token, login, channels } = JSON.parse(process.argv[2]);
const client = new tmi.Client({
  connection: { server: "127.0.0.1", port, secure: false, reconnect: true },
  ...(token ? { identity: { username: login, password: `oauth:${token}` } } : {}),
  channels,
});
const tell = (event, ...args) => console.log(JSON.stringify({ event, args }));
const events = "connected join message action timeout ban messagedeleted clearchat slowmode emoteonly notice announcement raided roomstate globaluserstate disconnected reconnect whisper subscribers followersonly usernotice";
for (const event of events.split(" ")) {
  client.on(event, (...args) => tell(event, ...args));
}
await client.connect().catch((reason) => tell("refused", reason));
for await (const line of createInterface({ input: process.stdin })) {
  const [method, ...args] = JSON.parse(line);
  Promise.resolve(client[method](...args)).then(
    (result) => tell("done", method, result),
    (reason) => tell("failed", method, reason),
  );
}
