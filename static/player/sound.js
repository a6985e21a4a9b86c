/** Volume and mute, remembered; and starting to play where the browser forbids sound before a gesture. */
export class Sound {
  #video;
  #preferences;
  #unmute;
  #forced = false;

  /**
   * @param {HTMLVideoElement} video @param {import("./preferences.js").Preferences} preferences
   * @param {HTMLButtonElement} unmute shown while the browser, not the viewer, muted
   */
  constructor(video, preferences, unmute) {
    this.#video = video;
    this.#preferences = preferences;
    this.#unmute = unmute;
    const volume = Number.parseFloat(preferences.read("volume", "1"));
    video.volume = Number.isFinite(volume) ? Math.min(1, Math.max(0, volume)) : 1;
    video.muted = video.muted || preferences.read("muted") === "true";
    video.addEventListener("volumechange", () => this.#remember());
    unmute.addEventListener("click", () => {
      video.muted = false;
      video.volume ||= 1;
      video.play().catch(() => {});
    });
  }

  /** Plays with sound if allowed, else without and with a button that brings it back. */
  async play() {
    try {
      await this.#video.play();
    } catch (error) {
      if (error.name !== "NotAllowedError" || this.#video.muted) {
        return;
      }
      this.#force(true);
      this.#video.muted = true;
      await this.#video.play().catch(() => {});
    }
  }

  #force(on) {
    this.#forced = on;
    this.#unmute.hidden = !on;
  }

  #remember() {
    if (this.#forced && this.#video.muted) {
      return;
    }
    this.#force(false);
    this.#preferences.write("volume", this.#video.volume);
    this.#preferences.write("muted", this.#video.muted);
  }
}
