/**
 * @maskworks/web: the subject of a picture, cut out on this device.
 *
 * The network, its input and its resizing are those of the Python package; what is fetched are the
 * model's files and the runtime, from where you say, and each is checked against its SHA-256.
 */
import { enlarge, shrink } from "./resampling.js";

export { VideoMatte } from "./video.js";

const STRIDE = 32;
const STEEPEST = 3;
const NO_SUBJECT_BELOW = 0.5;

/** What went wrong, in words: what, the value found, the way out. */
export class MaskworksError extends Error {}

async function fetched(url, sha256) {
  let answer;
  try {
    answer = await fetch(url);
  } catch (error) {
    throw new MaskworksError(`${url} cannot be fetched (${error.message}); is its server running?`);
  }
  if (!answer.ok) throw new MaskworksError(`${url} answers ${answer.status}; put the file there, or name another address`);
  const bytes = await answer.arrayBuffer();
  if (!globalThis.crypto?.subtle) {
    throw new MaskworksError("this page is not a secure context, so files cannot be checked; open it by https or on localhost");
  }
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const found = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  if (found !== sha256) throw new MaskworksError(`${url} has the SHA-256 ${found}, expected ${sha256}; fetch it again from its source`);
  return bytes;
}

/** Width and height of the network's input for a picture: about the area of a square, its aspect. */
export function inputSize(width, height, rule, side) {
  if (rule.resize !== "area") return { width: rule.width, height: rule.height };
  const area = side ?? Math.round(Math.sqrt(rule.height * rule.width));
  const tall = area * Math.sqrt(Math.min(STEEPEST, Math.max(1 / STEEPEST, height / width)));
  const whole = (length) => Math.max(STRIDE, STRIDE * Math.trunc(length / STRIDE + 0.5));
  return { width: whole((area * area) / tall), height: whole(tall) };
}

/**
 * Open a model.
 * @param {object} options
 * @param {string | URL} options.model address of the model's description, JSON
 * @param {string | URL} [options.runtime] address of ort.wasm.min.mjs; default: the package onnxruntime-web
 * @param {number} [options.threads] default: up to four where the page is cross-origin isolated, else one
 */
export async function load({ model, runtime, threads } = {}) {
  if (!model) throw new MaskworksError("load() needs model, the address of a model's description");
  const at = new URL(model, globalThis.document?.baseURI);
  const answer = await fetch(at);
  if (!answer.ok) throw new MaskworksError(`${at} answers ${answer.status}: ${(await answer.text()).slice(0, 300)}`);
  const spec = await answer.json();
  if (spec.output?.kind !== "matte" || !["area", "squash"].includes(spec.input?.resize) || spec.input.scale !== "255") {
    throw new MaskworksError(`${spec.name}: takes or gives what this package does not know; use a model with matte, resize area or squash, and scale 255`);
  }
  const source = runtime ? new URL(runtime, globalThis.document?.baseURI) : null;
  const ort = source ? await import(source.href) : await import("onnxruntime-web/wasm");
  if (source) ort.env.wasm.wasmPaths = new URL(".", source).href;
  const most = globalThis.crossOriginIsolated ? Math.min(4, globalThis.navigator?.hardwareConcurrency ?? 1) : 1;
  ort.env.wasm.numThreads = threads ?? most;
  const open = async ({ url, sha256 }) =>
    ort.InferenceSession.create(await fetched(new URL(url, at), sha256), { executionProviders: ["wasm"] });
  const network = await open(spec);
  const sharpener = spec.sharpening ? await open(spec.sharpening) : null;
  return new Cutter(ort, spec, network, sharpener);
}

/** An open model; `load` gives one. */
export class Cutter {
  constructor(ort, spec, network, sharpener) {
    Object.assign(this, { ort, spec, network, sharpener });
  }

  /** How many threads the network runs on. */
  get threads() {
    return this.ort.env.wasm.numThreads;
  }

  /**
   * Find the subject of a picture.
   * @param {Blob | ImageData | CanvasImageSource} image what is clear in it is seen as white
   * @returns {Promise<{matte: Float32Array, width: number, height: number, confidence: number | null, presence: number | null, subject: boolean}>}
   */
  async cutout(image) {
    const pixels = await pixelsOf(image);
    const size = inputSize(pixels.width, pixels.height, this.spec.input);
    const found = await this.run(shrink(pixels, size.width, size.height), size);
    return { ...found, matte: enlarge(found.matte, found.width, found.height, pixels.width, pixels.height), width: pixels.width, height: pixels.height };
  }

  /**
   * Run the network on RGBA pixels of its input's size; the matte has that size, or half of it.
   * A network of live pictures also sees `before`, the matte of the frame before at that size.
   */
  async run(data, { width, height }, before = null) {
    const plane = width * height;
    const stacked = new Float32Array(plane * 4);
    const channels = this.spec.input.previous ? 4 : 3;
    if (channels === 4 && before?.length === plane) stacked.set(before, 3 * plane);
    const { mean, std } = this.spec.input;
    for (let c = 0; c < 3; c++) {
      const scale = Math.fround(1 / (255 * std[c])), offset = Math.fround(mean[c] / std[c]);
      for (let i = 0; i < plane; i++) stacked[c * plane + i] = Math.fround(data[i * 4 + c] * scale) - offset;
    }
    const input = new this.ort.Tensor("float32", stacked.subarray(0, channels * plane), [1, channels, height, width]);
    const outputs = await this.network.run({ [this.network.inputNames[0]]: input });
    const [first, ...others] = this.network.outputNames.map((name) => outputs[name]);
    let matte = first.data;
    let [h, w] = first.dims.slice(-2);
    if (this.sharpener && !(height % 4) && !(width % 4) && matte.length === plane) {
      stacked.set(matte, 3 * plane);
      const fed = new this.ort.Tensor("float32", stacked, [1, 4, height, width]);
      const sharp = await this.sharpener.run({ [this.sharpener.inputNames[0]]: fed });
      matte = sharp[this.sharpener.outputNames[0]].data;
      [h, w] = [height, width];
    }
    for (const value of matte) if (!(value >= -0.001 && value <= 1.001)) throw new MaskworksError(`${this.spec.name} gave ${value} in its matte, expected 0 to 1; fetch its file again`);
    const { confidence, presence } = this.spec.output;
    const sure = confidence ? others[0].data[0] : null;
    const there = presence ? others[confidence ? 1 : 0].data[0] : null;
    return { matte: Float32Array.from(matte, (v) => Math.min(1, Math.max(0, v))), width: w, height: h, confidence: sure, presence: there, subject: there === null || there >= NO_SUBJECT_BELOW };
  }
}

/** Return a picture's pixels, upright, in sRGB, on white. */
async function pixelsOf(image) {
  if (image instanceof ImageData) return image;
  let drawn = image;
  if (image instanceof Blob) {
    try {
      drawn = await createImageBitmap(image, { imageOrientation: "from-image" });
    } catch {
      throw new MaskworksError(`this file (${image.type || "of no known kind"}) is no picture that this browser reads; use JPEG, PNG, WebP or AVIF`);
    }
  }
  const width = drawn.naturalWidth || drawn.videoWidth || drawn.displayWidth || drawn.width;
  const height = drawn.naturalHeight || drawn.videoHeight || drawn.displayHeight || drawn.height;
  const canvas = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  canvas.fillStyle = "#fff";
  canvas.fillRect(0, 0, width, height);
  canvas.drawImage(drawn, 0, 0);
  if (image instanceof Blob) drawn.close();
  return canvas.getImageData(0, 0, width, height);
}

/**
 * Return a picture with its matte as alpha, to show or to save as PNG.
 * @param {CanvasImageSource} image of the matte's size
 */
export function withAlpha(image, { matte, width, height }) {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0, width, height);
  const pixels = context.getImageData(0, 0, width, height);
  for (let i = 0; i < matte.length; i++) pixels.data[i * 4 + 3] = Math.round(matte[i] * 255);
  context.putImageData(pixels, 0, 0);
  return canvas;
}
