import { RoomPanel } from "./room-panel.js";

for (const root of document.querySelectorAll("[data-chat]")) {
  new RoomPanel(root).start();
}
