/** Frames of a camera or a clip, their background replaced, as fast as the network goes. */
import { inputSize } from "./index.js";

const RATE_OVER_MS = 2000;

/**
 * Draws a video onto a canvas with another background.
 *
 * Frames that come while one is worked on are passed over, so the picture is late by one frame's
 * work and never more. The matte is the network's at its own input size, made as large as the
 * frame; it is not refined. A network of live pictures sees the matte of the frame before.
 */
export class VideoMatte {
  /**
   * @param {HTMLVideoElement} video playing
   * @param {object} options
   * @param {import("./index.js").Cutter} options.cutter
   * @param {HTMLCanvasElement} options.canvas
   * @param {"none" | "blur" | "portrait" | string | CanvasImageSource} [options.background]
   *   clear, the blurred frame, the frame blurred more the farther from the subject, a CSS colour,
   *   or a picture
   * @param {number} [options.side] the network sees a rectangle of this many pixels squared
   * @param {(told: {rate: number, confidence: number | null, subject: boolean}) => void} [options.onFrame]
   */
  constructor(video, { cutter, canvas, background = "blur", side, onFrame }) {
    Object.assign(this, { video, cutter, canvas, background, side, onFrame });
    this.small = new OffscreenCanvas(1, 1);
    this.alpha = new OffscreenCanvas(1, 1);
    this.subject = new OffscreenCanvas(1, 1);
    this.before = null;
    this.done = [];
    this.running = false;
  }

  /** Frames a second over the last two seconds. */
  get rate() {
    const since = performance.now() - RATE_OVER_MS;
    this.done = this.done.filter((at) => at >= since);
    if (this.done.length < 2) return 0;
    return ((this.done.length - 1) * 1000) / (this.done.at(-1) - this.done[0]);
  }

  /** Work until `stop()`; rejects with what went wrong. */
  async start() {
    this.running = true;
    let last = -1;
    while (this.running) {
      if (this.video.readyState >= 2 && this.video.currentTime !== last) {
        last = this.video.currentTime;
        await this.frame();
      }
      await new Promise((next) => requestAnimationFrame(next));
    }
  }

  stop() {
    this.running = false;
  }

  /** Cut one frame out and draw it. */
  async frame() {
    const { video } = this;
    const width = video.videoWidth, height = video.videoHeight;
    const size = inputSize(width, height, this.cutter.spec.input, this.side);
    Object.assign(this.small, size);
    const seen = this.small.getContext("2d", { willReadFrequently: true });
    seen.drawImage(video, 0, 0, size.width, size.height);
    const still = await createImageBitmap(video); // the frame that the matte belongs to
    const pixels = seen.getImageData(0, 0, size.width, size.height).data;
    const found = await this.cutter.run(pixels, size, this.before);
    this.before = found.matte;
    this.draw(still, found, width, height);
    still.close();
    this.done.push(performance.now());
    this.onFrame?.({ rate: this.rate, confidence: found.confidence, subject: found.subject });
  }

  draw(still, found, width, height) {
    const pixels = new ImageData(found.width, found.height);
    const { matte, subject } = found;
    for (let i = 0; i < matte.length; i++) pixels.data[i * 4 + 3] = subject ? Math.round(matte[i] * 255) : 0;
    Object.assign(this.alpha, { width: found.width, height: found.height });
    this.alpha.getContext("2d").putImageData(pixels, 0, 0);

    Object.assign(this.subject, { width, height });
    const cut = this.subject.getContext("2d");
    cut.imageSmoothingQuality = "high";
    cut.drawImage(this.alpha, 0, 0, width, height);
    cut.globalCompositeOperation = "source-in";
    cut.drawImage(still, 0, 0);

    if (this.canvas.width !== width || this.canvas.height !== height) Object.assign(this.canvas, { width, height });
    const out = this.canvas.getContext("2d");
    out.clearRect(0, 0, width, height);
    this.drawBackground(out, still, width, height);
    out.drawImage(this.subject, 0, 0);
  }

  drawBackground(out, still, width, height) {
    const background = this.background;
    const blurred = (share) => {
      const blur = Math.max(1, Math.round(share * Math.max(width, height)));
      out.filter = `blur(${blur}px)`;
      out.drawImage(still, -2 * blur, -2 * blur, width + 4 * blur, height + 4 * blur);
      out.filter = "none";
    };
    if (background === "none") return;
    if (background === "blur") {
      blurred(0.02);
    } else if (background === "portrait") {
      // Distance stands for depth: a little blur everywhere, more of it away from the subject.
      blurred(0.03);
      const near = new OffscreenCanvas(width, height), sharp = near.getContext("2d");
      sharp.filter = `blur(${Math.round(0.06 * Math.max(width, height))}px)`;
      sharp.drawImage(this.alpha, 0, 0, width, height);
      sharp.filter = `blur(${Math.max(1, Math.round(0.006 * Math.max(width, height)))}px)`;
      sharp.globalCompositeOperation = "source-in";
      sharp.drawImage(still, 0, 0);
      out.drawImage(near, 0, 0);
    } else if (typeof background === "string") {
      out.fillStyle = background;
      out.fillRect(0, 0, width, height);
    } else {
      const w = background.naturalWidth || background.width, h = background.naturalHeight || background.height;
      const scale = Math.max(width / w, height / h);
      out.drawImage(background, (width - w * scale) / 2, (height - h * scale) / 2, w * scale, h * scale);
    }
  }
}
