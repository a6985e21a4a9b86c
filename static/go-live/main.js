// The go-live page: preview, start, stop, and what to say when something is in the way.

import { HealthPanel, say } from "../js/health.js";
import { Capture, CaptureError, listDevices } from "./capture.js";
import { OnAir } from "./on-air.js";
import { WhipError } from "./whip.js";

const LEVEL_MS = 50;
const LIMITED_MS = 2_000;
const STATES = {
  off: ["Off", "badge--off"],
  preview: ["Preview", "badge--off"],
  connecting: ["Connecting…", "badge--waiting"],
  live: ["LIVE", "badge--live"],
  reconnecting: ["Reconnecting…", "badge--waiting"],
};
const LIMITS = {
  cpu: "Your computer can't keep up with encoding the picture: close other programs.",
  bandwidth: "Your connection can't take a better picture: viewers see it less sharp.",
};

const page = document.querySelector("[data-go-live]");
const part = (name) => page.querySelector(`[data-${name}]`);
const badge = part("state");
const buttons = { open: part("open"), start: part("start"), stop: part("stop"), mute: part("mute"), close: part("close") };
const health = new HealthPanel(part("health-url"));
const onAir = new OnAir(page.dataset.whipUrl, ticket, Number(page.dataset.grace) * 1000);

let capture = null;
let state = "off";
let muted = false;
/** Which choice is asked for: an earlier one that is granted late is let go. */
let asking = 0;
/** How often in a row the server said that the channel is live, and not from here. */
let elsewhere = 0;

const isOnAir = () => !["off", "preview"].includes(state);

function show(next) {
  state = next;
  const [text, look] = STATES[next];
  say(badge, text);
  badge.className = `badge ${look}`;
  const focused = Object.values(buttons).find((button) => button === document.activeElement);
  buttons.open.hidden = next !== "off";
  buttons.start.hidden = next !== "preview";
  buttons.close.hidden = next !== "preview";
  buttons.stop.hidden = !isOnAir();
  buttons.mute.hidden = next === "off" || !capture?.hasSound;
  part("live-line").hidden = next !== "live";
  part("lost").hidden = next !== "reconnecting";
  part("empty").hidden = next !== "off";
  if (isOnAir()) {
    elsewhere = 0;
    stands("offline");
  }
  if (focused?.hidden) {
    // who works by keyboard goes on from the button that took its place
    Object.values(buttons).find((button) => !button.hidden)?.focus();
  }
}

function problem(text) {
  const line = part("problem");
  line.textContent = text;
  line.hidden = !text;
}

/** Tells of a broadcast that is there though nothing is sent from here. */
function stands(broadcast) {
  elsewhere = broadcast === "live" && !isOnAir() ? elsewhere + 1 : 0;
  // one that was just stopped is live a moment longer
  part("elsewhere").hidden = elsewhere < 2;
  part("waits").hidden = broadcast !== "reconnecting" || isOnAir();
}

const chosen = () => ({
  source: page.querySelector("input[name=source]:checked").value,
  camera: part("camera").value,
  microphone: part("microphone").value,
});

function choose({ source, camera, microphone }) {
  page.querySelector(`input[name=source][value=${source}]`).checked = true;
  part("camera").value = camera;
  part("microphone").value = microphone;
  label();
}

function label() {
  const isScreen = chosen().source === "screen";
  buttons.open.textContent = isScreen ? "Choose what to show" : "Turn on camera";
  part("camera-field").hidden = isScreen;
}

/** Turns on what is chosen; what was on goes on when that can't be had. @returns {Promise<boolean>} whether it is on */
async function open() {
  problem("");
  const mine = ++asking;
  let opened;
  try {
    opened = await Capture.open(chosen(), capture);
  } catch (error) {
    if (mine === asking) {
      capture && choose(capture.chosen);
      problem(error instanceof CaptureError ? error.message : `This did not work: ${error.message}.`);
    }
    return false;
  }
  if (mine !== asking) {
    opened.close(capture);
    return false;
  }
  await use(opened);
  return true;
}

async function use(opened) {
  const former = capture;
  capture = opened;
  capture.onended = () => {
    const what = isOnAir() ? "The picture ended, and nothing is sent any more." : "The picture ended.";
    close();
    problem(what);
  };
  capture.onsilent = async () => {
    await fillDevices(); // one that was pulled out is not chosen any more
    (await open()) && problem("The microphone was lost. Another one is on now.");
  };
  capture.mute(muted);
  part("preview").srcObject = capture.preview;
  part("stage").classList.toggle("is-mirrored", capture.chosen.source === "camera");
  if (isOnAir()) {
    show(state);
    await onAir.replace(capture.stream);
  } else {
    show("preview");
  }
  former?.close(capture);
  await fillDevices();
}

function close() {
  asking += 1;
  onAir.stop();
  capture?.close();
  capture = null;
  part("preview").srcObject = null;
  part("level").value = 0;
  show("off");
}

async function ticket() {
  const response = await fetch(page.dataset.ticketUrl, {
    method: "POST",
    headers: { Accept: "application/json", "X-CSRFToken": page.querySelector("[name=csrfmiddlewaretoken]").value },
  }).catch(() => null);
  if (!response || response.status >= 500) {
    throw new WhipError("The site can't be reached.", true);
  }
  if (response.status === 429) {
    throw new WhipError("You started too often in a short time. Wait some minutes.", false);
  }
  if (!response.ok || response.redirected) {
    throw new WhipError("The site didn't let you go live. Reload the page and sign in again.", false);
  }
  return (await response.json()).ticket;
}

function start() {
  problem("");
  onAir.start(capture.stream);
}

function mute(on) {
  muted = on;
  capture?.mute(on);
  buttons.mute.setAttribute("aria-pressed", String(on));
  part("muted").hidden = !on;
}

async function fillDevices() {
  for (const [kind, field] of [
    ["videoinput", part("camera")],
    ["audioinput", part("microphone")],
  ]) {
    const fixed = [...field.options].filter(({ value }) => value === "" || value === "none");
    const devices = (await listDevices(kind)).map(({ deviceId, label }) => new Option(label, deviceId));
    const { value } = field;
    field.replaceChildren(...fixed, ...devices);
    field.value = [...field.options].some((option) => option.value === value) ? value : "";
  }
}

onAir.onstate = (next) => show(next === "off" ? (capture ? "preview" : "off") : next);
onAir.onend = problem;
health.onreport = (report) => stands(report.state);
buttons.open.addEventListener("click", open);
buttons.start.addEventListener("click", start);
buttons.stop.addEventListener("click", () => onAir.stop());
buttons.close.addEventListener("click", close);
buttons.mute.addEventListener("click", () => mute(!muted));
part("source").addEventListener("change", label);
for (const field of [part("source"), part("camera"), part("microphone")]) {
  field.addEventListener("change", () => capture && open());
}
navigator.mediaDevices?.addEventListener("devicechange", () => capture && fillDevices());
window.addEventListener("beforeunload", (event) => isOnAir() && event.preventDefault());
window.addEventListener("pagehide", () => onAir.stop());
setInterval(() => capture && (part("level").value = capture.level()), LEVEL_MS);
setInterval(async () => {
  const limit = LIMITS[await onAir.session?.limitation().catch(() => "none")];
  health.also = limit ? [limit] : [];
}, LIMITED_MS);

part("screen-choice").hidden = !navigator.mediaDevices?.getDisplayMedia;
label();
if (!window.isSecureContext) {
  problem("Browsers give cameras only to sites with https://, or on the machine itself at localhost.");
  buttons.open.disabled = true;
}
