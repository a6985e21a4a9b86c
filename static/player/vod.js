import { bringControls } from "./controls.js";
import { VodPlayer } from "./vod-player.js";

for (const root of document.querySelectorAll("[data-player][data-vod]")) {
  new VodPlayer(root).start();
  bringControls(root);
}
