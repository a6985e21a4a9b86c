// Times that run: how long a broadcast has been on.

const two = (number) => String(number).padStart(2, "0");

/** @param {number} seconds @returns {string} `4:05` or `1:04:05` */
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

/** Keeps every `<time data-uptime datetime>` of the page at the time since then, also those that come later. */
export function runClocks() {
  const tick = () => {
    for (const time of document.querySelectorAll("time[data-uptime][datetime]")) {
      const text = clock((Date.now() - Date.parse(time.dateTime)) / 1000);
      if (time.textContent !== text) {
        time.textContent = text;
      }
    }
  };
  tick();
  setInterval(() => document.hidden || tick(), 1000);
  document.addEventListener("visibilitychange", tick);
}
