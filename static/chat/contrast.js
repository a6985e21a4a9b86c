// Names in colours that can be read on the ground they stand on (WCAG 2.2, 1.4.3: 4.5 to 1).

const WANTED = 4.5;
const STEP = 0.06;

function channels(hex) {
  return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255);
}

function luminance(rgb) {
  const [r, g, b] = rgb.map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function ratio(one, other) {
  const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
}

/**
 * A colour moved towards white or black until it can be read.
 *
 * @param {string} hex `#rrggbb` @param {boolean} dark whether it stands on a dark ground
 * @returns {string} a CSS colour
 */
export function readable(hex, dark) {
  const ground = dark ? [0.07, 0.13, 0.16] : [0.99, 0.98, 0.96];
  const towards = dark ? 1 : 0;
  let rgb = channels(hex);
  for (let step = 0; step < 16 && ratio(rgb, ground) < WANTED; step++) {
    rgb = rgb.map((c) => c + (towards - c) * STEP * 2);
  }
  return `rgb(${rgb.map((c) => Math.round(c * 255)).join(" ")})`;
}

/** @returns {boolean} whether the page is dark now */
export function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}
