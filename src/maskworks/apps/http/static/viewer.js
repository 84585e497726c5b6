// Draws one picture in five ways; photo and matte arrive once, everything else happens here.

const DOUBT_LOW = 0.05, DOUBT_HIGH = 0.95;

export class Viewer {
  constructor(canvas, loupe) {
    this.canvas = canvas;
    this.loupe = loupe;
    this.view = "cutout";
    this.ground = "checker";
    this.brand = "#f4f1ec";
    this.split = 0.5;
    this.heat = false;
    this.sides = [];
    this.zoom = 1;
    this.move = [0, 0];
    this.photo = null;
    this.alpha = null; // Float32Array, as large as the photo shown
    this.whole = 1; // pixels of the whole photo for one pixel shown
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  show(ready) {
    this.photo = ready.photo;
    this.size = ready.size;
    this.whole = ready.whole;
    this.base = ready.base;
    this.alpha = this.base.slice();
    this.full = null;
    this.zoom = 1;
    this.move = [0, 0];
    this.layers = { cut: ready.cut };
    this.draw();
  }

  clear() {
    this.photo = null;
    this.draw();
  }

  setBase(matte) {
    this.base = alphaOf(matte, ...this.size);
    this.alpha = this.base.slice();
    this.changed();
  }

  // The matte has changed: the layers are made anew, each when it is looked at.
  changed() {
    this.layers = {};
    this.draw();
  }

  layer(name) {
    const { photo, alpha, size } = this;
    return this.layers[name] ||= name === "cut" ? cutOf(photo, alpha, size) : painted(alpha, size, PAINTS[name]);
  }

  // From photo pixels to the canvas: scale and offsets, in device pixels.
  frame() {
    const [width, height] = this.size;
    const fit = Math.min(this.canvas.width / width, this.canvas.height / height);
    const scale = fit * this.zoom;
    return [scale, (this.canvas.width - width * scale) / 2 + this.move[0], (this.canvas.height - height * scale) / 2 + this.move[1]];
  }

  // From a pointer to pixels of the photo shown.
  place(event) {
    const box = this.canvas.getBoundingClientRect(), ratio = this.canvas.width / box.width;
    const [scale, left, top] = this.frame();
    return [((event.clientX - box.left) * ratio - left) / scale, ((event.clientY - box.top) * ratio - top) / scale];
  }

  draw() {
    const ratio = window.devicePixelRatio || 1, canvas = this.canvas;
    const wide = Math.round(canvas.clientWidth * ratio), tall = Math.round(canvas.clientHeight * ratio);
    if (canvas.width !== wide || canvas.height !== tall) { canvas.width = wide; canvas.height = tall; }
    const context = canvas.getContext("2d");
    context.clearRect(0, 0, wide, tall);
    if (!this.photo) return;
    const [scale, left, top] = this.frame();
    context.setTransform(scale, 0, 0, scale, left, top);
    context.imageSmoothingEnabled = scale < 3;
    this.paint(context, 1 / scale, this.photo);
    context.setTransform(1, 0, 0, 1, 0, 0);
  }

  paint(context, pixel, photo) {
    const [width, height] = this.size;
    if (this.view === "matte") context.drawImage(this.layer("matte"), 0, 0);
    else if (this.view === "original") context.drawImage(photo, 0, 0, width, height);
    else if (this.view === "overlay") {
      context.drawImage(photo, 0, 0, width, height);
      context.drawImage(this.layer("overlay"), 0, 0);
    } else {
      this.backdrop(context, width, height, pixel);
      context.drawImage(this.layer("cut"), 0, 0);
    }
    if (this.view === "compare") {
      const at = width * this.split;
      context.save();
      context.beginPath();
      context.rect(0, 0, at, height);
      context.clip();
      context.drawImage(photo, 0, 0, width, height);
      context.restore();
      context.fillStyle = "#fff";
      context.fillRect(at - pixel, 0, 2 * pixel, height);
    }
    if (this.heat) {
      context.drawImage(this.layer("doubt"), 0, 0);
      context.fillStyle = "rgba(255, 120, 0, .9)";
      const wide = 6 * pixel;
      if (this.sides.includes("top")) context.fillRect(0, 0, width, wide);
      if (this.sides.includes("bottom")) context.fillRect(0, height - wide, width, wide);
      if (this.sides.includes("left")) context.fillRect(0, 0, wide, height);
      if (this.sides.includes("right")) context.fillRect(width - wide, 0, wide, height);
    }
  }

  backdrop(context, width, height, pixel) {
    if (this.ground !== "checker") {
      context.fillStyle = { white: "#fff", black: "#000" }[this.ground] || this.brand;
      context.fillRect(0, 0, width, height);
      return;
    }
    const tile = layer(32, 32);
    tile.context.fillStyle = "#fff"; tile.context.fillRect(0, 0, 32, 32);
    tile.context.fillStyle = "#c9c9c9"; tile.context.fillRect(0, 0, 16, 16); tile.context.fillRect(16, 16, 16, 16);
    const pattern = context.createPattern(tile.canvas, "repeat");
    pattern.setTransform(new DOMMatrix().scale(pixel));
    context.fillStyle = pattern;
    context.fillRect(0, 0, width, height);
  }

  zoomBy(factor) {
    this.zoom = Math.min(32, Math.max(1, this.zoom * factor));
    if (this.zoom === 1) this.move = [0, 0];
    this.draw();
  }

  shift(x, y) {
    this.move = [this.move[0] + x, this.move[1] + y];
    this.draw();
  }

  // The loupe: one pixel of the whole photo for one of the screen, around the pointer.
  look(event, full) {
    const [x, y] = this.place(event), size = this.loupe.width, ratio = window.devicePixelRatio || 1;
    const box = this.canvas.getBoundingClientRect();
    this.loupe.style.left = `${Math.min(box.width - size, Math.max(0, event.clientX - box.left + 18))}px`;
    this.loupe.style.top = `${Math.min(box.height - size, Math.max(0, event.clientY - box.top + 18))}px`;
    const context = this.loupe.getContext("2d"), scale = this.whole / ratio;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, size, size);
    context.setTransform(scale, 0, 0, scale, size / 2 - x * scale, size / 2 - y * scale);
    if (full && this.view !== "matte") {
      if (this.view === "cutout") {
        this.backdrop(context, ...this.size, 1 / scale);
        context.drawImage(full.cut, 0, 0, ...this.size);
      } else context.drawImage(full.photo, 0, 0, ...this.size);
    } else this.paint(context, 1 / scale, this.photo);
  }
}

// How each layer shows an alpha: it writes red, green, blue and opacity at place j of data.
const PAINTS = {
  matte: (data, j, alpha) => { data[j] = data[j + 1] = data[j + 2] = alpha * 255; data[j + 3] = 255; },
  overlay: (data, j, alpha) => { data[j] = 220; data[j + 1] = 40; data[j + 2] = 90; data[j + 3] = (1 - alpha) * 140; },
  doubt: (data, j, alpha) => {
    if (alpha <= DOUBT_LOW || alpha >= DOUBT_HIGH) return;
    const unsure = 1 - Math.abs(2 * alpha - 1);
    data[j] = 255; data[j + 1] = 230 - 210 * unsure; data[j + 3] = 110 + 145 * unsure;
  },
};

function painted(alpha, [width, height], paint) {
  const { canvas, context } = layer(width, height), image = context.createImageData(width, height);
  for (let i = 0; i < alpha.length; i++) paint(image.data, 4 * i, alpha[i]);
  context.putImageData(image, 0, 0);
  return canvas;
}

function cutOf(photo, alpha, [width, height]) {
  const { canvas, context } = layer(width, height);
  context.drawImage(photo, 0, 0);
  const image = context.getImageData(0, 0, width, height);
  for (let i = 0; i < alpha.length; i++) image.data[4 * i + 3] = alpha[i] * 255;
  context.putImageData(image, 0, 0);
  return canvas;
}

// What costs time before a picture can be shown; done while the one before it is looked at.
export function prepare(photo, matte, wholeWidth) {
  const size = [photo.width, photo.height], base = alphaOf(matte, ...size);
  return { photo, size, whole: wholeWidth / photo.width, base, cut: cutOf(photo, base, size) };
}

export function layer(width, height) {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  return { canvas, context: canvas.getContext("2d", { willReadFrequently: true }) };
}

export function alphaOf(matte, width, height) {
  const { context } = layer(width, height);
  context.drawImage(matte, 0, 0, width, height);
  const { data } = context.getImageData(0, 0, width, height);
  const alpha = new Float32Array(width * height);
  for (let i = 0; i < alpha.length; i++) alpha[i] = data[4 * i] / 255;
  return alpha;
}
