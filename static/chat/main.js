import { Replay } from "./replay.js";
import { RoomPanel } from "./room-panel.js";

for (const root of document.querySelectorAll("[data-chat]")) {
  new RoomPanel(root).start();
}
for (const root of document.querySelectorAll("[data-replay]")) {
  new Replay(root).start();
}
