// What hls.js is told. Live, parts are 0.4 s and the playlist's PART-HOLD-BACK is 1.2 s.

/** Catch up at most this fast: 10 % is not heard, and 1 s of lateness is gone in ten. */
export const CATCH_UP_RATE = 1.1;

/** Further behind than this a follower jumps to live instead of catching up. Seconds. */
export const JUMP_BEHIND = 6;

const PATIENT = {
  maxTimeToFirstByteMs: 10_000, // a blocking reload is answered after 3 target durations at the latest
  maxLoadTimeMs: 20_000,
  timeoutRetry: { maxNumRetry: 2, retryDelayMs: 0, maxRetryDelayMs: 0 },
  errorRetry: { maxNumRetry: 3, retryDelayMs: 250, maxRetryDelayMs: 2_000, backoff: "exponential" },
};

const COMMON = {
  // The start level is chosen once the renditions are known, so loading starts by hand.
  autoStartLoad: false,
  // Nothing here is encrypted, subtitled or interrupted by advertisements.
  emeEnabled: false,
  enableInterstitialPlayback: false,
  manifestLoadPolicy: { default: PATIENT },
  playlistLoadPolicy: { default: PATIENT },
  fragLoadPolicy: { default: PATIENT },
};

/** @param {typeof import("../vendor/hls.min.mjs").AbrController} abrController @returns {object} of a broadcast */
export function liveConfig(abrController) {
  return {
    ...COMMON,
    abrController,
    // CMAF goes to MSE nearly as it comes: a worker would cost a request and two copies a part.
    enableWorker: false,
    // The first part tells enough: a probe of the lowest level would start a transcoder for nothing.
    testBandwidth: false,
    lowLatencyMode: true,
    // Seconds of loading, of which there is little: a second of buffer leaves no time to find out slowly.
    abrEwmaFastLive: 1,
    abrEwmaSlowLive: 3,
    maxLiveSyncPlaybackRate: CATCH_UP_RATE,
    liveSyncOnStallIncrease: 0.4,
    backBufferLength: 30,
    maxBufferLength: 30,
  };
}

/**
 * @param {number} [behind] of a broadcast that is on, how far behind its end to begin, in seconds
 * @returns {object} of a recording, and of a broadcast further back than live
 */
export function recordedConfig(behind) {
  return {
    ...COMMON,
    lowLatencyMode: false,
    // Where hls.js begins in what is on. It does not keep to it: nobody who went back is to be pulled forward.
    ...(behind === undefined ? {} : { liveSyncDuration: behind, liveMaxLatencyDuration: Infinity }),
    // One may skip about in what was loaded; a minute of 6 Mbit/s is 45 MB.
    backBufferLength: 60,
    maxBufferLength: 30,
    maxMaxBufferLength: 60,
  };
}
