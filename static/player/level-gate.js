// When a change of level does not show.
//
// hls.js loads a new level from the start of the segment that the buffer ends in, and what it appends overwrites what
// is there. When the playhead is in that same segment the picture freezes until the next one, without any event. So a
// change waits until the buffer has entered a segment that the playhead has not reached, and until the new level has
// that segment too: both are asked of the server by a blocking reload, which also starts an idle rendition.

/** What the playhead must still have before it, so that the new level's first part is appended in time. Seconds. */
const MARGIN = 0.2;
const PATIENCE_MS = 8_000;
const RETRY_MS = 50;

/**
 * The segment that a new level would begin with, if the playhead is not in it.
 * @param {{start: number, end: number, sn: number}[]} segments of the level being played, the unfinished one last
 * @param {number} currentTime @param {number} bufferedEnd seconds on the same axis
 * @returns {number | null} its media sequence number
 */
export function nextCleanSegment(segments, currentTime, bufferedEnd) {
  const last = segments.at(-1);
  if (!last) {
    return null;
  }
  const entered = segments.find(({ end }) => bufferedEnd < end - 0.02) ?? last;
  return entered.start - currentTime > MARGIN ? entered.sn : null;
}

/** Whether the newest parts of a media playlist are missing media: EXT-X-GAP, or GAP=YES on a part. */
export function endsInGap(playlist) {
  return /^#EXT-X-GAP|GAP=YES/m.test(playlist.split("\n").slice(-12).join("\n"));
}

/** The server won't serve a level. */
export class RefusedError extends Error {}

/**
 * Whether an answer to a blocking reload has the media that was asked for; if not, asking again may help.
 * @param {Response} response
 * @returns {Promise<boolean>} rejected with a RefusedError where the level is not to be had
 */
export async function isServed(response) {
  if (response.status === 503) {
    const { code, message } = await response.json().catch(() => ({}));
    if (code === "not_offered") {
      throw new RefusedError(message); // by the ladder's policy, or for want of room
    }
    return false;
  }
  if (!response.ok) {
    throw new RefusedError(`${response.url} answered ${response.status}`);
  }
  return !endsInGap(await response.text());
}

/** Waits for the moment to leave one level for another; at most one wait at a time. */
export class LevelGate {
  #hls;
  #abort = null;

  constructor(hls) {
    this.#hls = hls;
  }

  /** The level waited for, or null. */
  target = null;

  /**
   * Calls `open` in the moment in which `level` can be loaded without a freeze.
   * @param {number} level @param {() => void} open @param {(error: Error) => void} fail after 8 s, or when refused
   */
  async wait(level, open, fail) {
    this.cancel();
    const abort = (this.#abort = new AbortController());
    this.target = level;
    const deadline = performance.now() + PATIENCE_MS;
    try {
      while (!abort.signal.aborted) {
        if (performance.now() > deadline) {
          throw new Error(`level ${level} was not ready within ${PATIENCE_MS} ms`);
        }
        const msn = this.#cleanSegment();
        if (msn !== null && (await this.#has(level, msn, abort.signal)) && this.#cleanSegment() !== null) {
          this.#finish(abort);
          open();
          return;
        }
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    } catch (error) {
      if (!abort.signal.aborted) {
        this.#finish(abort);
        fail(error);
      }
    }
  }

  cancel() {
    this.#abort?.abort();
    this.#abort = null;
    this.target = null;
  }

  #finish(abort) {
    if (this.#abort === abort) {
      this.#abort = null;
      this.target = null;
    }
  }

  #cleanSegment() {
    const { media, mainForwardBufferInfo: buffer, latestLevelDetails: details } = this.#hls;
    if (!media || !buffer || !details) {
      return null;
    }
    const segments = details.fragmentHint ? [...details.fragments, details.fragmentHint] : details.fragments;
    return nextCleanSegment(segments, media.currentTime, buffer.end);
  }

  async #has(level, msn, signal) {
    const url = new URL(this.#hls.levels[level].url[0], location.href);
    url.searchParams.set("_HLS_msn", msn);
    url.searchParams.set("_HLS_part", 0);
    return isServed(await fetch(url, { signal }));
  }
}
