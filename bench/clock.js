// Reads the clock of `bench/clock.py` back from shown frames. Evaluated in the page, it fills `window.glass`:
// [shown at, on the picture, width, gap to the frame before] in ms; frames that can't be read count as `unreadable`.
(() => {
  const BITS = 32;
  const BLOCKS = 42;
  const video = document.querySelector("video");
  const canvas = new OffscreenCanvas(BLOCKS * 4, 1);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  window.glass = { frames: [], unreadable: 0 };
  let before = 0;

  function read() {
    // One row through the middle of the strip, four pixels a block, of which the second is looked at.
    const y = (video.videoHeight / 12) * 0.5;
    context.drawImage(video, 0, y, video.videoWidth, 1, 0, 0, canvas.width, 1);
    const { data } = context.getImageData(0, 0, canvas.width, 1);
    const luma = (block) => data[(block * 4 + 2) * 4];
    const threshold = (luma(0) + luma(1)) / 2;
    if (luma(0) - luma(1) < 60) {
      return null;
    }
    let stamp = 0;
    let sum = 0;
    for (let bit = 0; bit < BITS; bit += 1) {
      stamp = stamp * 2 + (luma(2 + bit) > threshold ? 1 : 0);
    }
    for (let bit = 0; bit < 8; bit += 1) {
      sum = sum * 2 + (luma(2 + BITS + bit) > threshold ? 1 : 0);
    }
    const bytes = [stamp >>> 24, (stamp >>> 16) & 255, (stamp >>> 8) & 255, stamp & 255];
    return bytes.reduce((a, b) => a + b) % 256 === sum ? stamp : null;
  }

  function shown(now) {
    const at = performance.timeOrigin + now;
    const stamp = read();
    if (stamp === null) {
      window.glass.unreadable += 1;
    } else {
      const behind = (((at % 2 ** 32) - stamp + 2 ** 32) % 2 ** 32);
      window.glass.frames.push([at, behind, video.videoWidth, before ? at - before : 0]);
    }
    before = at;
    video.requestVideoFrameCallback(shown);
  }
  video.requestVideoFrameCallback(shown);
})();
