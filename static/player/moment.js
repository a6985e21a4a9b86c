// Moments of a video as addresses and people write them.

const PARTS = /^(?:(\d{1,4})h)?(?:(\d{1,5})m)?(?:(\d{1,6})s?)?$/;

/** Seconds of `1h2m3s`, `90s` or `90`; null for what is none. @param {string} text @returns {number | null} */
export function parseMoment(text) {
  const found = text ? PARTS.exec(text) : null;
  if (!found) {
    return null;
  }
  const [hours, minutes, seconds] = found.slice(1).map((part) => Number(part ?? 0));
  return hours * 3600 + minutes * 60 + seconds;
}

/** `1h2m3s` of seconds. @param {number} seconds @returns {string} */
export function formatMoment(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return `${hours ? `${hours}h` : ""}${hours || minutes ? `${minutes}m` : ""}${whole % 60}s`;
}
