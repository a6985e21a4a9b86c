// What the viewer may choose from, out of what the multivariant playlist lists.

export const AUTO = "auto";
export const SOURCE = "source";
export const AUDIO = "audio";

/** The rendition a playlist's address belongs to: `/streams/<id>/<rendition>/index.m3u8`. */
export function renditionOf(url) {
  return new URL(url, location.href).pathname.split("/").at(-2) ?? "";
}

/** "1920x1080 at 60" -> "1080p60"; 30 and below go without a rate, as viewers know them. */
export function pictureName(height, frameRate) {
  const rate = Math.round(frameRate || 0);
  return height ? `${height}p${rate > 32 ? rate : ""}` : "";
}

function codecName(videoCodec = "") {
  if (/^(hvc1|hev1)/.test(videoCodec)) {
    return "HEVC";
  }
  return videoCodec.startsWith("av01") ? "AV1" : "";
}

/**
 * One entry a level, best first.
 * @param {Array<object>} levels hls.js's, in its own order
 * @returns {Array<{name: string, picture: string, label: string, level: number, family: string, bitrate: number}>}
 */
export function renditionsOf(levels) {
  return levels
    .map((level, index) => {
      const name = renditionOf(level.url[0]);
      const picture = pictureName(level.height, level.frameRate) || name;
      const notes = [name === SOURCE ? "source" : "", codecName(level.videoCodec)].filter(Boolean).join(", ");
      return {
        name,
        picture,
        label: notes ? `${picture} (${notes})` : picture,
        level: index,
        family: (level.videoCodec ?? "").split(".")[0],
        bitrate: level.maxBitrate,
      };
    })
    .sort((a, b) => (b.name === SOURCE) - (a.name === SOURCE) || b.bitrate - a.bitrate);
}

/**
 * The codec family Auto stays in: H.264 when there is any, since every browser decodes it and a change of family
 * in mid-stream does not play through everywhere. Else whatever there is.
 */
export function autoFamily(renditions) {
  return renditions.find(({ family }) => /^avc[13]$/.test(family))?.family ?? renditions[0]?.family ?? "";
}

/**
 * Where Auto starts. The source is always running, a ladder rendition may have to be started first; so the source,
 * unless this browser is known to be too slow for it.
 * @param {number} bandwidth the remembered estimate in bit/s; 0 when there is none
 */
export function autoStart(renditions, bandwidth) {
  const family = autoFamily(renditions);
  const candidates = renditions.filter((rendition) => rendition.family === family);
  if (!bandwidth) {
    return candidates[0];
  }
  return candidates.find(({ bitrate }) => bitrate < bandwidth * 0.8) ?? candidates.at(-1);
}
