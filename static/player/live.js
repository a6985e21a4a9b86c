import { bringControls } from "./controls.js";
import { LivePlayer } from "./live-player.js";

for (const root of document.querySelectorAll("[data-player][data-live-url]")) {
  new LivePlayer(root).start();
  bringControls(root);
}
