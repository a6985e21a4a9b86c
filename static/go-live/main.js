// The go-live page: preview, start, stop, and what to say when something is in the way.

import { Capture, CaptureError, listDevices } from "./capture.js";
import { WhipError, WhipSession } from "./whip.js";

const RETRY_MS = [0, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000, 8_000];
/** A connection that recovered for so long has its tries back. */
const STEADY_MS = 10_000;
const LEVEL_MS = 50;
const SENDING_MS = 2_000;
const STATES = {
  off: ["Off", "badge--off"],
  preview: ["Preview", "badge--off"],
  connecting: ["Connecting…", "badge--waiting"],
  live: ["LIVE", "badge--live"],
  reconnecting: ["Reconnecting…", "badge--waiting"],
};

const page = document.querySelector("[data-go-live]");
const part = (name) => page.querySelector(`[data-${name}]`);
const badge = part("state");
const buttons = { open: part("open"), start: part("start"), stop: part("stop"), mute: part("mute"), close: part("close") };
const rate = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });

let capture = null;
let session = null;
let state = "off";
let tries = 0;
/** Which start this is: what an earlier one still waits for is none of ours. */
let run = 0;

function show(next) {
  state = next;
  const [text, look] = STATES[next];
  if (badge.textContent !== text) {
    badge.textContent = text;
  }
  badge.className = `badge ${look}`;
  const onAir = !["off", "preview"].includes(next);
  const focused = Object.values(buttons).find((button) => button === document.activeElement);
  buttons.open.hidden = next !== "off";
  buttons.start.hidden = next !== "preview";
  buttons.close.hidden = next !== "preview";
  buttons.stop.hidden = !onAir;
  buttons.mute.hidden = next === "off" || !capture?.hasSound;
  part("live-line").hidden = next !== "live";
  part("empty").hidden = next !== "off";
  for (const control of page.querySelectorAll("input, select")) {
    control.disabled = onAir;
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

const chosen = () => page.querySelector("input[name=source]:checked").value;

function label() {
  buttons.open.textContent = chosen() === "screen" ? "Choose what to show" : "Turn on camera";
  part("camera-field").hidden = chosen() === "screen";
}

async function open() {
  problem("");
  capture?.close();
  capture = null;
  try {
    capture = await Capture.open({
      source: chosen(),
      camera: part("camera").value,
      microphone: part("microphone").value,
    });
  } catch (error) {
    show("off");
    problem(error instanceof CaptureError ? error.message : `This did not work: ${error.message}.`);
    return;
  }
  capture.onended = () => {
    const was = state;
    close();
    problem(was === "live" ? "The picture ended, and with it your stream." : "The picture ended.");
  };
  part("preview").srcObject = capture.preview;
  part("stage").classList.toggle("is-mirrored", chosen() === "camera");
  mute(false);
  show("preview");
  await fillDevices();
}

function close() {
  stop();
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
  });
  if (response.status === 429) {
    throw new WhipError("You started too often in a short time. Wait some minutes.", false);
  }
  if (!response.ok) {
    throw new WhipError("The site didn't let you go live. Reload the page and sign in again.", response.status >= 500);
  }
  return (await response.json()).ticket;
}

async function start() {
  problem("");
  tries = 0;
  await connect("connecting");
}

async function connect(next) {
  const mine = ++run;
  show(next);
  try {
    const begun = new WhipSession(page.dataset.whipUrl, await ticket(), capture.stream);
    if (mine !== run) {
      return;
    }
    session = begun;
    session.onlost = () => mine === run && again();
    await session.start(next === "reconnecting");
    if (mine === run) {
      show("live");
      setTimeout(() => mine === run && (tries = 0), STEADY_MS);
    }
  } catch (error) {
    if (mine !== run) {
      return;
    }
    if (error instanceof WhipError && !error.retry) {
      stop();
      problem(error.message);
    } else {
      again(error);
    }
  }
}

function again(error) {
  session?.stop();
  session = null;
  const pause = RETRY_MS[tries];
  if (pause === undefined) {
    stop();
    problem(error?.message ?? "The connection was lost, and did not come back.");
    return;
  }
  tries += 1;
  const mine = ++run;
  show("reconnecting");
  setTimeout(() => mine === run && connect("reconnecting"), pause);
}

function stop() {
  run += 1;
  session?.stop();
  session = null;
  if (capture) {
    show("preview");
  }
}

function mute(on) {
  capture?.mute(on);
  buttons.mute.setAttribute("aria-pressed", String(on));
  buttons.mute.textContent = on ? "Unmute" : "Mute";
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

async function tellSending() {
  if (state === "live" && session) {
    const bits = await session.bitrate();
    part("sending").textContent = bits ? `Sending ${rate.format(bits / 1e6)} Mbit/s.` : "";
  }
}

buttons.open.addEventListener("click", open);
buttons.start.addEventListener("click", start);
buttons.stop.addEventListener("click", stop);
buttons.close.addEventListener("click", close);
buttons.mute.addEventListener("click", () => mute(buttons.mute.getAttribute("aria-pressed") !== "true"));
part("source").addEventListener("change", () => {
  close();
  label();
});
for (const field of [part("camera"), part("microphone")]) {
  field.addEventListener("change", () => state === "preview" && open());
}
window.addEventListener("beforeunload", (event) => session && event.preventDefault());
window.addEventListener("pagehide", () => session?.stop());
setInterval(() => capture && (part("level").value = capture.level()), LEVEL_MS);
setInterval(() => tellSending().catch(() => {}), SENDING_MS);

part("screen-choice").hidden = !navigator.mediaDevices?.getDisplayMedia;
label();
if (!window.isSecureContext) {
  problem("Browsers give cameras only to sites with https://, or on the machine itself at localhost.");
  buttons.open.disabled = true;
}
