// A WHIP client (RFC 9725): one peer connection that sends a stream to the server.

const VIDEO_BITRATE = 4_000_000;
const AUDIO_BITRATE = 128_000;
const CONNECT_MS = 10_000;
/** A path that is gone for so long is not waited for any more. */
const LOST_MS = 4_000;

/** Why there is no session; the message is for people. `retry` tells whether trying again may help. */
export class WhipError extends Error {
  constructor(message, retry) {
    super(message);
    this.retry = retry;
  }
}

/** Sends `stream` to `url` while it lasts; `onlost` is called once if the connection breaks. */
export class WhipSession {
  constructor(url, token, stream) {
    this.url = url;
    this.token = token;
    this.stream = stream;
    this.onlost = () => {};
    this.resource = "";
    this.peer = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
    this.sent = { bytes: 0, at: 0 };
  }

  /**
   * Resolves when media flows.
   *
   * @param {boolean} returning whether the server may still hold the place of a connection before this one
   * @throws {WhipError}
   */
  async start(returning) {
    try {
      await this.#addTracks();
      await this.peer.setLocalDescription();
      await this.#negotiate(returning);
      await this.#connected();
    } catch (error) {
      this.stop();
      throw error;
    }
    this.#watch();
  }

  /** Says goodbye, and sends nothing more. */
  stop() {
    if (this.resource) {
      // keepalive: it is sent although the page is just being left
      fetch(this.resource, {
        method: "DELETE",
        headers: { Authorization: `Bearer ${this.token}` },
        keepalive: true,
      }).catch(() => {});
      this.resource = "";
    }
    this.close();
  }

  /** Sends nothing more, and leaves it to the server to find out. */
  close() {
    this.onlost = () => {};
    clearTimeout(this.losing);
    this.peer.close();
  }

  /** Bits a second since the last call. */
  async bitrate() {
    let bytes = 0;
    for (const report of (await this.peer.getStats()).values()) {
      bytes += report.type === "outbound-rtp" ? report.bytesSent : 0;
    }
    const before = this.sent;
    this.sent = { bytes, at: performance.now() };
    return before.at ? (8_000 * (bytes - before.bytes)) / (this.sent.at - before.at) : 0;
  }

  async #addTracks() {
    for (const track of this.stream.getTracks()) {
      const isVideo = track.kind === "video";
      const encoding = { maxBitrate: isVideo ? VIDEO_BITRATE : AUDIO_BITRATE };
      const transceiver = this.peer.addTransceiver(track, { direction: "sendonly", sendEncodings: [encoding] });
      if (isVideo) {
        onlyH264(transceiver);
        const parameters = transceiver.sender.getParameters();
        // another size in mid-stream would be a break for everyone who watches
        parameters.degradationPreference = "maintain-resolution";
        await transceiver.sender.setParameters(parameters).catch(() => {});
      }
    }
  }

  async #negotiate(returning) {
    let response;
    try {
      response = await fetch(this.url, {
        method: "POST",
        headers: { Authorization: `Bearer ${this.token}`, "Content-Type": "application/sdp" },
        body: this.peer.localDescription.sdp,
      });
    } catch {
      throw new WhipError("The server for live video can't be reached.", true);
    }
    if (response.status !== 201) {
      const { message } = await response.json().catch(() => ({}));
      const mayPass = response.status >= 500 || (returning && response.status === 409);
      throw new WhipError(message ?? `The server answered ${response.status}.`, mayPass);
    }
    this.resource = new URL(response.headers.get("Location"), this.url).href;
    await this.peer.setRemoteDescription({ type: "answer", sdp: await response.text() });
  }

  #connected() {
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(unreachable()), CONNECT_MS);
      const look = () => {
        if (this.peer.connectionState === "connected") {
          clearTimeout(late);
          resolve();
        } else if (["failed", "closed"].includes(this.peer.connectionState)) {
          clearTimeout(late);
          reject(unreachable());
        }
      };
      this.peer.addEventListener("connectionstatechange", look);
      look();
    });
  }

  #watch() {
    this.peer.addEventListener("connectionstatechange", () => {
      clearTimeout(this.losing);
      const { connectionState } = this.peer;
      if (connectionState === "failed" || connectionState === "closed") {
        this.onlost();
      } else if (connectionState === "disconnected") {
        this.losing = setTimeout(() => this.onlost(), LOST_MS);
      }
    });
  }
}

function unreachable() {
  return new WhipError("Video can't get through to the server: a firewall may be blocking UDP.", true);
}

function onlyH264(transceiver) {
  const codecs = RTCRtpSender.getCapabilities("video")?.codecs ?? [];
  const h264 = codecs.filter(({ mimeType }) => mimeType.toLowerCase() === "video/h264");
  if (!h264.length) {
    throw new WhipError(
      "This browser can't encode H.264, which a stream here needs. Use Chrome, Edge or Safari, or an encoder such as OBS.",
      false,
    );
  }
  transceiver.setCodecPreferences?.(h264);
}
