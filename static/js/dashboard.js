// The dashboard: its badge, and what there is to do while live.

import { HealthPanel, say } from "./health.js";

const BADGES = {
  live: ["LIVE", "badge--live"],
  reconnecting: ["Reconnecting", "badge--waiting"],
  offline: ["Offline", "badge--off"],
};

const page = document.querySelector("[data-dashboard]");
const badge = page.querySelector("[data-state]");

new HealthPanel(page.querySelector("[data-health-url]")).onreport = ({ state }) => {
  const [text, look] = BADGES[state] ?? BADGES.offline;
  say(badge, text);
  badge.className = `badge ${look}`;
  page.querySelector("[data-waits]").hidden = state !== "reconnecting";
  page.querySelector("[data-marker-panel]").hidden = state === "offline";
};
