// Collects, from the first frame on, [gap to the frame before in ms, width] of every frame shown; `first` is when the
// first one was, in ms since navigation.
window.frameGaps = { first: 0, gaps: [] };
(() => {
  let before = 0;
  const shown = (now, { width }) => {
    window.frameGaps.first ||= now;
    if (before) {
      window.frameGaps.gaps.push([now - before, width]);
    }
    before = now;
    document.querySelector("video").requestVideoFrameCallback(shown);
  };
  const look = () => {
    const video = document.querySelector("video");
    if (video) {
      video.requestVideoFrameCallback(shown);
    } else {
      requestAnimationFrame(look);
    }
  };
  look();
})();
