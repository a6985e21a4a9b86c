// Copies what the pages load from node_modules/ to static/vendor/: `npm run vendor`.
// Source maps stay behind, so the line that names one goes too.
import { mkdir, readFile, writeFile } from "node:fs/promises";

const root = new URL("../", import.meta.url);
const files = {
  "hls.js/dist/hls.min.mjs": "hls.min.mjs",
  "media-chrome/dist/iife/all.js": "media-chrome.js",
};

await mkdir(new URL("static/vendor/", root), { recursive: true });
for (const [from, to] of Object.entries(files)) {
  const text = await readFile(new URL(`node_modules/${from}`, root), "utf8");
  await writeFile(new URL(`static/vendor/${to}`, root), text.replace(/^\/\/# sourceMappingURL=.*$/m, ""));
}
