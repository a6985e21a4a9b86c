// Camera or screen, microphone, and the mix of all sound.

/** Why there is nothing to send; the message is for people. */
export class CaptureError extends Error {}

const PICTURE = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30, max: 60 } };
const SCREEN = { width: { max: 1920 }, height: { max: 1080 }, frameRate: { ideal: 30, max: 30 } };
/** A decibel scale from here up to 0 is what the meter shows. */
const QUIETEST_DB = -60;

/** The devices of a kind that may be told by name. @returns {Promise<MediaDeviceInfo[]>} */
export async function listDevices(kind) {
  const devices = await navigator.mediaDevices.enumerateDevices();
  return devices.filter((device) => device.kind === kind && device.label && device.deviceId !== "default");
}

/**
 * What is sent: `stream` has the picture, and one track of sound if there is any.
 *
 * `onended` is called when the picture ends by itself, `onsilent` when the microphone does.
 */
export class Capture {
  /**
   * Asks the person for what was chosen.
   *
   * @param {{source: "camera" | "screen", camera: string, microphone: string}} chosen device ids, "" for any
   * @param {Capture | null} former what of it is chosen still is kept, and not asked for again
   * @throws {CaptureError}
   */
  static async open(chosen, former = null) {
    const same = (...names) => names.every((name) => chosen[name] === former?.chosen[name]);
    let picture = same("source", "camera") ? alive(former?.picture) : null;
    let voice = same("microphone") ? alive(former?.voice) : null;
    const asked = [];
    try {
      if (!picture && chosen.source === "screen") {
        picture = await navigator.mediaDevices.getDisplayMedia({ video: SCREEN, audio: true });
        asked.push(picture);
      }
      const video = !picture && { ...PICTURE, ...exactly(chosen.camera) };
      const audio = !voice && chosen.microphone !== "none" && exactly(chosen.microphone);
      if (video || audio) {
        // together, that the browser asks once
        const devices = await navigator.mediaDevices.getUserMedia({ video, audio });
        asked.push(devices);
        picture ??= new MediaStream(devices.getVideoTracks());
        voice ??= audio ? new MediaStream(devices.getAudioTracks()) : null;
      }
    } catch (error) {
      stopAll(asked.flatMap((stream) => stream.getTracks()));
      throw new CaptureError(sentence(error, chosen.source));
    }
    return new Capture(chosen, picture, voice);
  }

  constructor(chosen, picture, voice) {
    this.chosen = chosen;
    this.picture = picture;
    this.voice = voice;
    this.onended = () => {};
    this.onsilent = () => {};
    const [track] = picture.getVideoTracks();
    // what matters when there is too little bandwidth: motion of a camera, letters of a screen
    track.contentHint = chosen.source === "screen" ? "detail" : "motion";
    track.addEventListener("ended", () => this.onended());
    voice?.getAudioTracks().forEach((one) => one.addEventListener("ended", () => this.onsilent()));
    this.preview = new MediaStream([track]);
    this.stream = new MediaStream([track]);
    this.sounds = [...picture.getAudioTracks(), ...(voice?.getAudioTracks() ?? [])];
    this.hasSound = this.sounds.length > 0;
    if (this.hasSound) {
      this.#listen();
    }
  }

  /** Measures all sound, and mixes it where there is more than the microphone's: one track is what is sent. */
  #listen() {
    this.context = new AudioContext();
    this.analyser = this.context.createAnalyser();
    this.samples = new Float32Array(this.analyser.fftSize);
    const mix = this.sounds.length > 1 && this.context.createMediaStreamDestination();
    for (const track of this.sounds) {
      const source = this.context.createMediaStreamSource(new MediaStream([track]));
      source.connect(this.analyser);
      mix && source.connect(mix);
    }
    this.stream.addTrack(mix ? mix.stream.getAudioTracks()[0] : this.sounds[0]);
  }

  /** How loud it is right now, from 0 to 1 on a decibel scale. */
  level() {
    if (!this.analyser) {
      return 0;
    }
    this.analyser.getFloatTimeDomainData(this.samples);
    const power = this.samples.reduce((sum, sample) => sum + sample * sample, 0) / this.samples.length;
    return power ? Math.min(1, Math.max(0, 1 - (10 * Math.log10(power)) / QUIETEST_DB)) : 0;
  }

  mute(on) {
    for (const track of this.sounds) {
      track.enabled = !on;
    }
  }

  /** @param {Capture | null} next what it has taken over goes on */
  close(next = null) {
    this.onended = this.onsilent = () => {};
    const kept = [...(next?.picture.getTracks() ?? []), ...(next?.sounds ?? [])];
    stopAll([...this.preview.getTracks(), ...this.sounds].filter((track) => !kept.includes(track)));
    this.context?.close();
  }
}

function exactly(device) {
  return { deviceId: device ? { exact: device } : undefined };
}

function alive(stream) {
  return stream?.getTracks().every(({ readyState }) => readyState === "live") ? stream : null;
}

function stopAll(tracks) {
  tracks.forEach((track) => track.stop());
}

function sentence({ name, message }, source) {
  const what = source === "screen" ? "screen or microphone" : "camera or microphone";
  switch (name) {
    case "NotAllowedError":
    case "SecurityError":
      return `Your browser wasn't allowed to use the ${what}. Allow it beside the address, then try again.`;
    case "NotFoundError":
      return "No camera or microphone was found. Connect one, or choose “No microphone”.";
    case "NotReadableError":
    case "AbortError":
      return `The ${what} is in use by another program, or doesn't answer.`;
    case "OverconstrainedError":
      return "The chosen camera or microphone is gone. Choose another.";
    default:
      return `The ${what} can't be used: ${message}.`;
  }
}
