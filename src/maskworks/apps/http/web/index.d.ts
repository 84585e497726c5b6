export class MaskworksError extends Error {}

export interface LoadOptions {
  /** Address of the model's description, JSON. */
  model: string | URL;
  /** Address of `ort.wasm.min.mjs`; by default the package onnxruntime-web. */
  runtime?: string | URL;
  /** By default up to four where the page is cross-origin isolated, else one. */
  threads?: number;
}

export interface Found {
  /** height * width values in [0, 1], row by row. */
  matte: Float32Array;
  width: number;
  height: number;
  /** The IoU that the network expects of its matte, in [0, 1]; null if it has none. */
  confidence: number | null;
  /** The probability that there is a subject; null if it has none. */
  presence: number | null;
  /** Whether there is one: a presence of 0.5 or more. */
  subject: boolean;
}

export interface InputRule {
  width: number;
  height: number;
  resize: "area" | "squash";
  /** Whether a fourth channel holds the matte of the frame before. */
  previous?: boolean;
  scale: "255";
  mean: [number, number, number];
  std: [number, number, number];
}

export interface ModelDescription {
  name: string;
  url: string;
  sha256: string;
  input: InputRule;
  output: { kind: "matte"; confidence: boolean; presence: boolean };
  sharpening: { url: string; sha256: string } | null;
}

export class Cutter {
  readonly spec: ModelDescription;
  readonly threads: number;
  cutout(image: Blob | ImageData | CanvasImageSource): Promise<Found>;
  /** RGBA pixels of the input's size; the matte has that size or that of the network's answer. */
  run(
    data: Uint8ClampedArray,
    size: { width: number; height: number },
    before?: Float32Array | null,
  ): Promise<Found>;
}

export function load(options: LoadOptions): Promise<Cutter>;
export function inputSize(
  width: number,
  height: number,
  rule: InputRule,
  side?: number,
): { width: number; height: number };
export function withAlpha(image: CanvasImageSource, found: Found): OffscreenCanvas;

export interface VideoOptions {
  cutter: Cutter;
  canvas: HTMLCanvasElement;
  background?: "none" | "blur" | "portrait" | (string & {}) | CanvasImageSource;
  /** The network sees a rectangle of this many pixels squared; smaller is faster. */
  side?: number;
  onFrame?: (told: { rate: number; confidence: number | null; subject: boolean }) => void;
}

export class VideoMatte {
  constructor(video: HTMLVideoElement, options: VideoOptions);
  background: VideoOptions["background"];
  /** Frames a second over the last two seconds. */
  readonly rate: number;
  start(): Promise<void>;
  stop(): void;
}
