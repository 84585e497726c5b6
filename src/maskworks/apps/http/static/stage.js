// The picture in hand: which view of it, on which ground, its doubt, the loupe, moving it about.

import { base, whole } from "/static/server.js";

const $ = id => document.getElementById(id);
const VIEWS = ["cutout", "original", "matte", "overlay"];
const BRAND = `maskworks-brand ${base}`;

export function press(group, chosen) {
  for (const button of group) button.setAttribute("aria-pressed", String(button === chosen));
}

function pressed(kind, name) {
  const buttons = [...document.querySelectorAll(`[data-${kind}]`)];
  press(buttons, buttons.find(button => button.dataset[kind] === name));
}

export class Stage {
  // `page` is { state, fixing }: the picture in hand and its viewer, and whether it is drawn on.
  constructor(page, chosen = "cutout") {
    this.page = page;
    this.chosen = chosen; // a person's choice stays from picture to picture
    this.full = null;
    this.drag = null;
    this.keys = {
      "+": () => this.viewer.zoomBy(1.4), "=": () => this.viewer.zoomBy(1.4), "-": () => this.viewer.zoomBy(1 / 1.4),
      c: () => this.view(this.viewer.view === "compare" ? "cutout" : "compare"), h: () => this.heat(), l: () => this.loupe(),
      "?": () => $("keys").showModal(),
      arrowleft: () => this.viewer.shift(60, 0), arrowright: () => this.viewer.shift(-60, 0),
      arrowup: () => this.viewer.shift(0, 60), arrowdown: () => this.viewer.shift(0, -60),
    };
    for (const button of document.querySelectorAll("[data-view]")) button.addEventListener("click", () => this.view(button.dataset.view));
    for (const button of document.querySelectorAll("[data-ground]")) button.addEventListener("click", () => this.ground(button.dataset.ground));
    for (const [id, act] of Object.entries({ heat: "h", "loupe-on": "l", larger: "+", smaller: "-", help: "?" })) $(id).addEventListener("click", this.keys[act]);
    $("compare").addEventListener("input", () => { this.viewer.split = $("compare").value / 100; this.viewer.draw(); });
    $("brand").value = localStorage.getItem(BRAND) || $("brand").value;
    this.viewer.brand = $("brand").value;
    $("brand").addEventListener("input", () => {
      this.viewer.brand = $("brand").value;
      localStorage.setItem(BRAND, this.viewer.brand);
      this.ground("brand");
    });
    this.move($("canvas"));
  }

  get viewer() { return this.page.state.viewer; }

  // Show a picture that has come; where nothing was found, the photo.
  put(ready, empty = false) {
    this.viewer.show(ready);
    this.show(empty && this.chosen === "cutout" ? "original" : this.chosen);
  }

  view(name) { this.chosen = name; this.show(name); }

  turn() { this.view(VIEWS[(VIEWS.indexOf(this.viewer.view) + 1) % VIEWS.length]); }

  show(name) {
    this.viewer.view = name;
    pressed("view", name);
    $("compare-row").hidden = name !== "compare";
    $("canvas").setAttribute("aria-label", `${this.page.state.item?.source || ""}: ${name}`);
    this.viewer.draw();
  }

  ground(name) {
    this.viewer.ground = name;
    pressed("ground", name);
    this.viewer.draw();
  }

  heat() {
    this.viewer.heat = !this.viewer.heat;
    $("heat").setAttribute("aria-pressed", String(this.viewer.heat));
    this.viewer.draw();
  }

  async loupe() {
    const on = $("loupe").hidden, item = this.page.state.item;
    $("loupe").hidden = !on;
    $("loupe-on").setAttribute("aria-pressed", String(on));
    if (on && item && !this.full) this.full = await whole(item).catch(() => null);
  }

  // Moving the picture about.
  move(canvas) {
    canvas.addEventListener("pointerdown", event => {
      if (this.page.fixing.on || !this.viewer.photo) return;
      canvas.setPointerCapture(event.pointerId);
      this.drag = [event.clientX, event.clientY];
    });
    canvas.addEventListener("pointermove", event => {
      const viewer = this.viewer;
      if (!viewer.photo) return;
      if (!$("loupe").hidden) viewer.look(event, this.full);
      if (!this.drag) return;
      const ratio = window.devicePixelRatio || 1;
      if (viewer.view === "compare" && viewer.zoom === 1) {
        viewer.split = Math.min(1, Math.max(0, viewer.place(event)[0] / viewer.size[0]));
        $("compare").value = 100 * viewer.split;
        viewer.draw();
      } else viewer.shift((event.clientX - this.drag[0]) * ratio, (event.clientY - this.drag[1]) * ratio);
      this.drag = [event.clientX, event.clientY];
    });
    for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => { this.drag = null; });
    canvas.addEventListener("wheel", event => { event.preventDefault(); this.viewer.zoomBy(event.deltaY < 0 ? 1.15 : 1 / 1.15); }, { passive: false });
  }

  // Let keys do what `keys` says; while a person draws, the tools' keys come first and `barred` do nothing.
  listen(keys, barred) {
    document.addEventListener("keydown", event => {
      if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
      const target = event.target, typing = target.matches("input:not([type=range], [type=checkbox]), select, textarea");
      if (typing && event.key !== "Escape") return;
      const key = event.key.toLowerCase(), fixing = this.page.fixing;
      if (key === " " && target.matches("button, input, a, summary") && target !== document.body) return;
      if ((key.startsWith("arrow") || key === "enter") && target !== $("canvas")) return;
      const does = (fixing.on && fixing.keys[event.shiftKey && key === "z" ? "Z" : key]) || (fixing.on && barred.includes(key) ? null : keys[key]);
      if (does) { event.preventDefault(); does(event); }
    });
  }
}
