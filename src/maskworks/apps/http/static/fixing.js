// Fixing by hand: brush, eraser, clicks, undo, autosave.

import { Drawing, isClick, paint } from "/static/brush.js";

const $ = id => document.getElementById(id);
const AUTOSAVE_MS = 1200;

export class Fixing {
  constructor(page) {
    this.page = page;
    this.on = false;
    this.tool = "add";
    this.drawing = new Drawing();
    this.stroke = null;
    this.timer = null;
    this.keys = {
      z: () => this.undo(), Z: () => this.redo(), s: () => this.save(), escape: () => this.leave(), f: () => this.leave(),
      b: () => this.choose("add"), e: () => this.choose("erase"), x: () => this.choose(this.tool === "add" ? "erase" : "add"),
      p: () => this.choose("foreground"), n: () => this.choose("background"),
      "[": () => this.resize(1 / 1.25), "]": () => this.resize(1.25), enter: () => this.put([this.at]),
      arrowleft: event => this.walk(-1, 0, event), arrowright: event => this.walk(1, 0, event),
      arrowup: event => this.walk(0, -1, event), arrowdown: event => this.walk(0, 1, event),
    };
    const canvas = $("canvas");
    canvas.addEventListener("pointerdown", event => this.begin(event));
    canvas.addEventListener("pointermove", event => this.go(event));
    canvas.addEventListener("pointerup", () => this.end());
    canvas.addEventListener("pointercancel", () => this.end());
    for (const button of document.querySelectorAll("[data-tool]")) button.addEventListener("click", () => this.choose(button.dataset.tool));
    $("undo-stroke").addEventListener("click", () => this.undo());
    $("redo-stroke").addEventListener("click", () => this.redo());
    $("save").addEventListener("click", () => this.save());
    $("stop-fix").addEventListener("click", () => this.leave());
  }

  get viewer() { return this.page.state.viewer; }

  async enter() {
    const { state, say, send } = this.page, item = state.item;
    if (!item || this.on || !this.viewer.photo) return;
    await state.holding;
    if (state.item !== item || this.on) return;
    if (!state.lease) { say("Somebody else has this picture open.", true); return; }
    try {
      const got = await send(item, "lease", { lease: state.lease.token });
      this.drawing.reset(got.draft);
    } catch (error) { say(error.message, true); return; }
    this.on = true;
    this.item = item;
    this.before = this.viewer.base;
    this.at = this.viewer.size.map(side => side / 2); // the tool, where the keyboard moves it
    $("fix-tools").hidden = false;
    $("frame").classList.add("drawing");
    if (this.viewer.view === "original") this.page.show("overlay"); // on the photo no stroke is seen
    await this.redraw();
    say(this.drawing.strokes.length ? "Going on with the unfinished fix." : "Draw on the picture: add with the brush, take away with the eraser.");
    $("canvas").focus();
  }

  async leave() {
    if (!this.on) return;
    await this.keep();
    this.close();
    this.viewer.base = this.before;
    this.viewer.alpha = this.before.slice();
    this.viewer.changed();
    this.page.say(this.drawing.strokes.length ? "The unfinished fix is kept." : "");
  }

  close() {
    this.on = false;
    clearTimeout(this.timer);
    $("fix-tools").hidden = true;
    $("ring").hidden = true;
    $("frame").classList.remove("drawing");
  }

  choose(tool) {
    this.tool = tool;
    const buttons = [...document.querySelectorAll("[data-tool]")];
    this.page.press(buttons, buttons.find(button => button.dataset.tool === tool));
  }

  resize(factor) {
    $("size").value = Math.round(Math.max(2, Number($("size").value) * factor));
    this.page.say(`brush of ${$("size").value} pixels`);
  }

  begin(event) {
    if (!this.on || event.button > 0) return;
    $("canvas").setPointerCapture(event.pointerId);
    if (isClick({ kind: this.tool })) { this.put([this.viewer.place(event)]); return; }
    this.stroke = this.strokeOf([this.viewer.place(event)]);
    this.trace();
  }

  // A stroke through points of the photo shown, in pixels of the whole photo.
  strokeOf(points) {
    const size = Number($("size").value) * this.viewer.whole, soft = Number($("soft").value) / 100;
    return { kind: this.tool, points: points.map(point => this.whole(point)), size, soft };
  }

  // Draw a whole stroke, or click, at once.
  put(points) {
    const stroke = this.strokeOf(points);
    this.drawing.add(stroke);
    if (isClick(stroke)) this.redraw();
    else { paint(this.viewer.alpha, this.viewer.size, stroke, this.viewer.whole); this.viewer.changed(); }
    this.later();
  }

  // By keyboard: the arrows move the tool, with Shift they draw.
  walk(across, down, event) {
    const step = Math.max(4, Number($("size").value) / 4), from = this.at;
    this.at = [across, down].map((way, n) => Math.min(this.viewer.size[n], Math.max(0, from[n] + way * step)));
    if (event.shiftKey && !isClick({ kind: this.tool })) this.put([from, this.at]);
    const [scale, left, top] = this.viewer.frame();
    this.ring(left + this.at[0] * scale, top + this.at[1] * scale, true);
  }

  // Show how large the brush is, at a place of the canvas in device pixels.
  ring(x, y, always = false) {
    const ratio = window.devicePixelRatio || 1, style = $("ring").style, clicks = isClick({ kind: this.tool });
    const [scale] = this.viewer.frame(), wide = clicks ? 12 * ratio : Number($("size").value) * scale;
    $("ring").hidden = !this.on || (clicks && !always);
    style.left = `${x / ratio}px`;
    style.top = `${y / ratio}px`;
    style.width = style.height = `${wide / ratio}px`;
  }

  go(event) {
    if (this.on) {
      const [scale, left, top] = this.viewer.frame(), [x, y] = this.at = this.viewer.place(event);
      this.ring(left + x * scale, top + y * scale);
    }
    if (!this.stroke) return;
    this.stroke.points.push(this.whole(this.viewer.place(event)));
    this.trace();
  }

  end() {
    if (!this.stroke) return;
    this.drawing.add(this.stroke);
    this.stroke = null;
    this.later();
    this.viewer.changed();
  }

  whole(point) { return point.map(value => Math.round(value * this.viewer.whole * 10) / 10); }

  // Paint the newest piece of the stroke in hand, at most once a frame.
  trace() {
    const points = this.stroke.points.slice(-2);
    paint(this.viewer.alpha, this.viewer.size, { ...this.stroke, points }, this.viewer.whole);
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => { this.waiting = false; this.viewer.changed(); });
  }

  async redraw() {
    if (this.drawing.hasClicks) {
      const { busily, send } = this.page;
      await busily(async () => {
        const blob = await send(this.item, "preview", { strokes: this.drawing.strokes, lease: this.page.state.lease?.token }, true);
        this.viewer.setBase(await createImageBitmap(blob));
      });
      return;
    }
    this.viewer.alpha = this.before.slice();
    for (const stroke of this.drawing.strokes) paint(this.viewer.alpha, this.viewer.size, stroke, this.viewer.whole);
    this.viewer.changed();
  }

  undo() {
    if (this.drawing.undo()) { this.redraw(); this.later(); } else this.page.say("Nothing is drawn.");
  }

  redo() {
    if (this.drawing.redo()) { this.redraw(); this.later(); }
  }

  later() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.keep(), AUTOSAVE_MS);
  }

  async keep() {
    clearTimeout(this.timer);
    const { state, say, send } = this.page;
    if (!state.lease || state.lease.item !== this.item.id) return;
    try {
      await send(this.item, "draft", { strokes: this.drawing.strokes, lease: state.lease.token });
    } catch (error) {
      say(error.message, true);
      if (error.offline && this.on) this.later();
    }
  }

  async save(anyway = false) {
    const { state, busily, send, settled, load } = this.page, item = this.item;
    if (!this.on || state.busy) return;
    if (!this.drawing.strokes.length) { this.page.say("Nothing is drawn."); return; }
    clearTimeout(this.timer);
    await busily(async () => {
      try {
        const told = await send(item, "fix", { strokes: this.drawing.strokes, refine: $("refine").checked, anyway, seen: item.decision, lease: state.lease?.token || "" });
        this.drawing.reset([]);
        this.close();
        load(item, true).catch(() => {});
        settled(item, told, "fixed");
      } catch (error) {
        if (error.anyway && !anyway && window.confirm(`${error.message}\n\nDeliver it all the same?`)) { setTimeout(() => this.save(true)); return; }
        throw error;
      }
    });
  }
}
