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

  show(photo, matte, wholeWidth) {
    const width = photo.width, height = photo.height;
    this.photo = photo;
    this.size = [width, height];
    this.whole = wholeWidth / width;
    this.base = alphaOf(matte, width, height);
    this.alpha = this.base.slice();
    this.full = null;
    this.zoom = 1;
    this.move = [0, 0];
    this.changed();
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

  // The matte has changed: make the layers anew.
  changed() {
    const [width, height] = this.size;
    const photo = layer(width, height);
    photo.context.drawImage(this.photo, 0, 0);
    const pixels = photo.context.getImageData(0, 0, width, height);
    const cut = layer(width, height), matte = layer(width, height);
    const overlay = layer(width, height), doubt = layer(width, height);
    const grey = matte.context.createImageData(width, height);
    const over = overlay.context.createImageData(width, height);
    const heat = doubt.context.createImageData(width, height);
    for (let i = 0, j = 0; i < this.alpha.length; i++, j += 4) {
      const alpha = this.alpha[i];
      pixels.data[j + 3] = alpha * 255;
      grey.data[j] = grey.data[j + 1] = grey.data[j + 2] = alpha * 255;
      grey.data[j + 3] = 255;
      over.data[j] = 220; over.data[j + 1] = 40; over.data[j + 2] = 90;
      over.data[j + 3] = (1 - alpha) * 140;
      if (alpha > DOUBT_LOW && alpha < DOUBT_HIGH) {
        heat.data[j] = 255; heat.data[j + 1] = 230 - 210 * (1 - Math.abs(2 * alpha - 1));
        heat.data[j + 3] = 110 + 145 * (1 - Math.abs(2 * alpha - 1));
      }
    }
    cut.context.putImageData(pixels, 0, 0);
    matte.context.putImageData(grey, 0, 0);
    overlay.context.putImageData(over, 0, 0);
    doubt.context.putImageData(heat, 0, 0);
    this.layers = { cut: cut.canvas, matte: matte.canvas, overlay: overlay.canvas, doubt: doubt.canvas };
    this.draw();
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
    this.paint(context, 1 / scale, this.photo, this.layers);
    context.setTransform(1, 0, 0, 1, 0, 0);
  }

  paint(context, pixel, photo, layers) {
    const [width, height] = this.size;
    if (this.view === "matte") context.drawImage(layers.matte, 0, 0);
    else if (this.view === "original") context.drawImage(photo, 0, 0, width, height);
    else if (this.view === "overlay") {
      context.drawImage(photo, 0, 0, width, height);
      context.drawImage(layers.overlay, 0, 0);
    } else {
      this.backdrop(context, width, height, pixel);
      context.drawImage(layers.cut, 0, 0);
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
      context.drawImage(layers.doubt, 0, 0);
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
    } else this.paint(context, 1 / scale, this.photo, this.layers);
  }
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
