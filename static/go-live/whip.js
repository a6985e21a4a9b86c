// A WHIP client (RFC 9725): one peer connection that sends a stream to the server.

import { iceFragment, iceServers, restarted } from "./sdp.js";

const VIDEO_BITRATE = 4_000_000;
const AUDIO_BITRATE = 128_000;
const CONNECT_MS = 10_000;
/** How long a way that was lost is looked for: no longer does the server wait for media. */
const MEND_MS = 10_000;
const MEND_AGAIN_MS = 1_000;
/** How long one ICE restart may take to find a way. */
const RESTART_MS = 3_000;

/** Why there is no session; the message is for people. `retry` tells whether trying again may help. */
export class WhipError extends Error {
  constructor(message, retry) {
    super(message);
    this.retry = retry;
  }
}

/**
 * Sends `stream` to `url` while it lasts.
 *
 * `onway(there)` is called when the way to the server is lost and when ICE has found another, `onlost` once, if the
 * session can't be saved.
 */
export class WhipSession {
  constructor(url, token, stream) {
    this.url = url;
    this.token = token;
    this.stream = stream;
    this.onway = () => {};
    this.onlost = () => {};
    this.resource = "";
    this.answer = "";
    this.peer = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
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
      const offer = await this.peer.createOffer();
      await this.#post(offer.sdp, returning);
      await this.peer.setLocalDescription(offer);
      await this.peer.setRemoteDescription({ type: "answer", sdp: this.answer });
      await this.#connects(CONNECT_MS);
    } catch (error) {
      this.stop();
      throw error;
    }
    this.peer.addEventListener("connectionstatechange", () => this.#mend());
    // the server says goodbye
    const { transport } = this.peer.getSenders()[0];
    transport?.addEventListener("statechange", () => transport.state === "closed" && this.onlost());
    this.#mend();
  }

  /** Says goodbye, and sends nothing more. */
  stop() {
    if (this.resource) {
      // keepalive: it is sent although the page is just being left
      this.#ask("DELETE", { keepalive: true }).catch(() => {});
      this.resource = "";
    }
    this.onway = this.onlost = () => {};
    this.peer.close();
  }

  /**
   * Sends other tracks from now on.
   *
   * @returns {Promise<boolean>} false where they are not of the kinds that the session was begun with
   */
  async replace(stream) {
    const kinds = (of) => of.getTracks().map(({ kind }) => kind);
    if (String(kinds(stream).sort()) !== String(kinds(this.stream).sort())) {
      return false;
    }
    this.stream = stream;
    for (const track of stream.getTracks()) {
      const sender = this.peer.getSenders().find((one) => one.track?.kind === track.kind);
      await sender.replaceTrack(track);
    }
    return true;
  }

  get isConnected() {
    return this.peer.connectionState === "connected";
  }

  /** What keeps the picture from being better. @returns {Promise<"none" | "cpu" | "bandwidth" | "other">} */
  async limitation() {
    const reports = [...(await this.peer.getStats()).values()];
    return reports.find(({ type, kind }) => type === "outbound-rtp" && kind === "video")?.qualityLimitationReason;
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

  /** A request about the session. @throws {WhipError} when no answer comes */
  async #ask(method, { url = this.resource, type, headers, ...more }) {
    const said = { Authorization: `Bearer ${this.token}`, ...(type && { "Content-Type": type }), ...headers };
    try {
      return await fetch(url, { method, headers: said, ...more });
    } catch {
      throw new WhipError("The server for live video can't be reached.", true);
    }
  }

  async #post(offer, returning) {
    const response = await this.#ask("POST", { url: this.url, type: "application/sdp", body: offer });
    if (response.status !== 201) {
      const { message } = await response.json().catch(() => ({}));
      const mayPass = response.status >= 500 || (returning && response.status === 409);
      throw new WhipError(message ?? `The server answered ${response.status}.`, mayPass);
    }
    this.resource = new URL(response.headers.get("Location"), response.url).href;
    this.answer = await response.text();
    const servers = iceServers(response.headers.get("Link") ?? "");
    if (servers.length) {
      // before the local description: what is gathered with it goes by these already (RFC 9725 4.6)
      this.peer.setConfiguration({ ...this.peer.getConfiguration(), iceServers: servers });
    }
  }

  /** Resolves once the peer connection is connected. @throws {WhipError} after `patience` ms */
  #connects(patience) {
    return new Promise((resolve, reject) => {
      const done = (settle, value) => {
        clearTimeout(late);
        this.peer.removeEventListener("connectionstatechange", look);
        settle(value);
      };
      const look = () => this.isConnected && done(resolve);
      const late = setTimeout(() => done(reject, unreachable()), patience);
      this.peer.addEventListener("connectionstatechange", look);
      look();
    });
  }

  /** When the way to the server is lost: ICE restarts until another is found, or the session is given up. */
  async #mend() {
    if (this.mending || !["disconnected", "failed"].includes(this.peer.connectionState)) {
      return;
    }
    this.mending = true;
    this.onway(false);
    const since = Date.now();
    while (!this.isConnected && this.resource) {
      if (Date.now() - since > MEND_MS || !(await this.#restart())) {
        this.onlost();
        return;
      }
    }
    this.mending = false;
    this.onway(true);
  }

  /** One ICE restart (RFC 9725 4.3.3). @returns {Promise<boolean>} false when the session is no more */
  async #restart() {
    try {
      const offer = await this.peer.createOffer({ iceRestart: true });
      await this.peer.setLocalDescription(offer);
      const response = await this.#ask("PATCH", {
        type: "application/trickle-ice-sdpfrag",
        headers: { "If-Match": "*" },
        body: iceFragment(offer.sdp),
        signal: AbortSignal.timeout(RESTART_MS),
      });
      if (response.status === 200) {
        this.answer = restarted(this.answer, await response.text());
        await this.peer.setRemoteDescription({ type: "answer", sdp: this.answer });
        await this.#connects(RESTART_MS);
        return true;
      }
      if (response.status < 500) {
        return false;
      }
    } catch {
      // no answer, or no way: once more
    }
    await new Promise((resolve) => setTimeout(resolve, MEND_AGAIN_MS));
    return true;
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
