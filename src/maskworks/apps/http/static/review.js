// The queue: which picture is in hand, its keys, its decisions. Nothing here needs the network
// beyond the server that sent this page.

import { Viewer, layer, prepare } from "/static/viewer.js";
import { Fixing } from "/static/fixing.js";

const $ = id => document.getElementById(id);
const base = document.querySelector(".desk").dataset.base;
const csrf = document.querySelector("meta[name=csrf]").content;
const items = JSON.parse($("items").textContent);
const VIEWS = ["cutout", "original", "matte", "overlay"];
const AHEAD = 2, KEPT = 6;

export const desk = {
  items, base, at: -1, lease: null, last: null, viewer: new Viewer($("canvas"), $("loupe")),
  busy: false, full: null, holding: null,
  get item() { return items[this.at] || null; },
};
const viewer = desk.viewer;
const pictures = new Map();

export function say(text, alarm = false) {
  $("said").textContent = text;
  $("said").classList.toggle("alarm", alarm);
}

export async function send(item, what, fields, raw = false) {
  const form = fields instanceof FormData;
  const headers = { "X-CSRF-Token": csrf };
  if (!form) headers["Content-Type"] = "application/json";
  let answer;
  try {
    answer = await fetch(`${base}/items/${item.id}/${what}`, { method: "POST", headers, body: form ? fields : JSON.stringify(fields) });
  } catch {
    throw Object.assign(new Error("The server does not answer. Your work is kept on this page; try again."), { offline: true });
  }
  if (!answer.ok) {
    const told = await answer.json().catch(() => ({}));
    const error = new Error(told.error?.message || `The server answers with ${answer.status}.`);
    throw Object.assign(error, { code: told.error?.code, anyway: answer.headers.get("X-Anyway") === "1" });
  }
  return raw ? answer.blob() : answer.json();
}

async function bitmap(url) {
  const answer = await fetch(url, { headers: { Accept: "image/*" } });
  if (!answer.ok) throw new Error((await answer.json().catch(() => ({}))).error?.message || "The picture cannot be shown.");
  const size = (answer.headers.get("X-Size") || "0x0").split("x").map(Number);
  return { image: await createImageBitmap(await answer.blob()), width: size[1] };
}

export function load(item, fresh = false) {
  if (fresh) pictures.delete(item.id);
  if (!pictures.has(item.id)) {
    const both = Promise.all(["photo", "matte"].map(kind => bitmap(`${base}/items/${item.id}/${kind}${fresh ? `?now=${Date.now()}` : ""}`)))
      .then(([photo, matte]) => prepare(photo.image, matte.image, photo.width));
    pictures.set(item.id, both);
    both.catch(() => pictures.delete(item.id));
    while (pictures.size > KEPT) pictures.delete(pictures.keys().next().value);
  }
  return pictures.get(item.id);
}

async function hold(item) {
  const token = desk.lease?.item === item.id ? desk.lease.token : "";
  const got = await send(item, "lease", { lease: token });
  if (desk.item === item) desk.lease = { item: item.id, token: got.lease };
  else send(item, "release", { lease: got.lease }).catch(() => {}); // gone on meanwhile
  return got;
}

function letGo() {
  if (!desk.lease) return;
  const { item, token } = desk.lease;
  desk.lease = null;
  send({ id: item }, "release", { lease: token }).catch(() => {});
}

const LEAVE = "picture";

export async function open(index) {
  if (index < 0 || index >= items.length) return;
  if (fixing.on) await fixing.leave();
  if (desk.lease && desk.lease.item !== items[index].id) letGo();
  desk.at = index;
  desk.full = null;
  const item = desk.item;
  mark();
  $("title").textContent = item.sku || item.source;
  $("reasons").replaceChildren(...item.reasons.map(reason => Object.assign(document.createElement("li"), { textContent: reason.text, title: reason.name })));
  viewer.sides = item.reasons.filter(r => r.name === "touches-border").flatMap(r => ["top", "right", "bottom", "left"].filter(side => r.text.includes(`the ${side} side`)));
  say(`${index + 1} of ${items.length}${item.score === null ? "" : `, score ${item.score.toFixed(2)}`}${item.decision ? `, ${item.decision}` : ""}`);
  performance.mark(LEAVE);
  const holding = Promise.allSettled([hold(item)]);
  desk.holding = holding;
  const [shown] = await Promise.allSettled([load(item)]);
  if (desk.item !== item) return;
  if (shown.status === "rejected") { viewer.clear(); say(shown.reason.message, true); return; }
  viewer.show(shown.value);
  $("canvas").setAttribute("aria-label", `${item.source}: ${viewer.view}`);
  document.body.dataset.shown = item.id;
  const [held] = await holding;
  if (desk.item !== item) return;
  if (held.status === "rejected") { desk.lease = null; say(held.reason.message, true); }
  else if (held.value.draft.length) say("There is an unfinished fix; press F to go on with it.");
  for (let n = 1; n <= AHEAD; n++) if (items[index + n]) load(items[index + n]).catch(() => {});
}

function mark() {
  for (const button of $("list").querySelectorAll("button")) {
    const mine = Number(button.dataset.id) === desk.item?.id;
    button.toggleAttribute("aria-current", false);
    if (mine) { button.setAttribute("aria-current", "true"); reveal(button); }
  }
}

// Scroll the list alone: on a phone it lies below the picture, which must stay where it is.
function reveal(row) {
  const list = $("list"), top = row.getBoundingClientRect().top - list.getBoundingClientRect().top;
  if (top < 0) list.scrollTop += top;
  else if (top + row.offsetHeight > list.clientHeight) list.scrollTop += top + row.offsetHeight - list.clientHeight;
}

const rowOf = item => $("list").querySelector(`[data-id="${item.id}"]`);

export function settled(item, route, verb) {
  desk.last = item;
  desk.lease = null;
  item.decision = verb;
  const row = rowOf(item);
  row.classList.add("gone");
  row.querySelector(".why").textContent = `${verb}: ${route}`;
  $("left").textContent = Math.max(0, Number($("left").textContent) - 1);
  say(`${item.sku || item.source}: ${verb} → ${route}. Z undoes it.`);
  const next = items.findIndex((one, n) => n > desk.at && !one.decision);
  const other = next >= 0 ? next : items.findIndex(one => !one.decision);
  if (other >= 0) { const told = $("said").textContent; open(other).then(() => { if (!$("said").classList.contains("alarm")) say(`${told} Now ${other + 1} of ${items.length}.`); }); }
  else say(`${$("said").textContent} The queue is empty.`);
}

async function decide(verdict, why = "") {
  const item = desk.item;
  if (!item || desk.busy || fixing.on) return;
  await desk.holding;
  if (desk.item !== item || desk.busy) return;
  if (!desk.lease) { await open(desk.at); if (!desk.lease) return; }
  await busily(async () => {
    const { route } = await send(item, "decide", { verdict, why, lease: desk.lease.token });
    settled(item, route, verdict);
  });
}

async function undo() {
  const item = desk.last || (desk.item?.decision ? desk.item : null);
  if (!item || desk.busy) { say("There is nothing to undo."); return; }
  await busily(async () => {
    const held = await send(item, "lease", { lease: desk.lease?.item === item.id ? desk.lease.token : "" });
    const { route } = await send(item, "undo", { lease: held.lease });
    if (desk.lease && desk.lease.item !== item.id) letGo();
    desk.lease = { item: item.id, token: held.lease };
    item.decision = null;
    desk.last = null;
    const row = rowOf(item);
    row.classList.remove("gone");
    row.querySelector(".why").textContent = item.reasons.map(reason => reason.name).join(", ");
    $("left").textContent = Number($("left").textContent) + 1;
    await open(items.indexOf(item));
    say(`${item.sku || item.source}: taken back, in ${route} again.`);
  });
}

export async function busily(work) {
  desk.busy = true;
  document.body.setAttribute("aria-busy", "true");
  try { await work(); } catch (error) { say(error.message, true); } finally {
    desk.busy = false;
    document.body.removeAttribute("aria-busy");
  }
}

function reject() {
  if (!desk.item || fixing.on) return;
  $("why-text").value = "";
  $("why").showModal();
  $("why-text").focus();
}

$("why").addEventListener("close", () => {
  const why = $("why-text").value.trim();
  if ($("why").returnValue === "ok" && why) decide("reject", why);
  else if ($("why").returnValue === "ok") say("Say what is wrong; the retoucher reads it.", true);
  $("why").returnValue = "";
});
$("why-text").addEventListener("keydown", event => { if (event.key === "Enter") { event.preventDefault(); $("why").close("ok"); } });
for (const chip of $("why").querySelectorAll("[data-why]")) chip.addEventListener("click", () => { $("why-text").value = chip.dataset.why; $("why-text").focus(); });

export function press(group, chosen) {
  for (const button of group) button.setAttribute("aria-pressed", String(button === chosen));
}

function view(name) {
  viewer.view = name;
  const buttons = [...document.querySelectorAll("[data-view]")];
  press(buttons, buttons.find(button => button.dataset.view === name));
  $("compare-row").hidden = name !== "compare";
  $("canvas").setAttribute("aria-label", `${desk.item?.source || ""}: ${name}`);
  viewer.draw();
}

const toggle = (id, on) => $(id).setAttribute("aria-pressed", String(on));

function heat() { viewer.heat = !viewer.heat; toggle("heat", viewer.heat); viewer.draw(); }

async function loupe() {
  const on = $("loupe").hidden;
  $("loupe").hidden = !on;
  toggle("loupe-on", on);
  if (on && desk.item && !desk.full) desk.full = await whole(desk.item).catch(() => null);
}

async function whole(item) {
  const [photo, matte] = await Promise.all(["photo", "matte"].map(kind => bitmap(`${base}/items/${item.id}/${kind}?whole=1`)));
  const { canvas, context } = layer(photo.image.width, photo.image.height);
  context.drawImage(matte.image, 0, 0);
  const grey = context.getImageData(0, 0, canvas.width, canvas.height);
  context.drawImage(photo.image, 0, 0);
  const cut = context.getImageData(0, 0, canvas.width, canvas.height);
  for (let i = 0; i < cut.data.length; i += 4) cut.data[i + 3] = grey.data[i];
  context.putImageData(cut, 0, 0);
  return { photo: photo.image, cut: canvas };
}

for (const button of document.querySelectorAll("[data-view]")) button.addEventListener("click", () => view(button.dataset.view));
for (const button of document.querySelectorAll("[data-ground]")) button.addEventListener("click", () => {
  viewer.ground = button.dataset.ground;
  press(document.querySelectorAll("[data-ground]"), button);
  viewer.draw();
});
$("brand").value = localStorage.getItem("maskworks-brand") || $("brand").value;
$("brand").addEventListener("input", () => {
  viewer.brand = $("brand").value;
  viewer.ground = "brand";
  localStorage.setItem("maskworks-brand", viewer.brand);
  press(document.querySelectorAll("[data-ground]"), null);
  viewer.draw();
});
$("compare").addEventListener("input", () => { viewer.split = $("compare").value / 100; viewer.draw(); });
$("heat").addEventListener("click", heat);
$("loupe-on").addEventListener("click", loupe);
$("larger").addEventListener("click", () => viewer.zoomBy(1.4));
$("smaller").addEventListener("click", () => viewer.zoomBy(1 / 1.4));
$("list").addEventListener("click", event => {
  const button = event.target.closest("button");
  if (button) open(items.findIndex(item => item.id === Number(button.dataset.id)));
});
$("next").addEventListener("click", () => open(desk.at + 1));
$("back").addEventListener("click", () => open(desk.at - 1));
$("accept").addEventListener("click", () => decide("accept"));
$("reject").addEventListener("click", reject);
$("fix").addEventListener("click", () => fixing.enter());
$("undo").addEventListener("click", undo);
$("help").addEventListener("click", () => $("keys").showModal());
$("upload").addEventListener("change", () => {
  const file = $("upload").files[0], item = desk.item;
  if (!file || !item || !desk.lease) return;
  busily(async () => {
    const form = new FormData();
    form.append("file", file);
    form.append("lease", desk.lease.token);
    const { notes } = await send(item, "upload", form);
    $("upload").value = "";
    settled(item, ["deliver", ...notes].join("; "), "handed in");
  });
});

// Moving the picture about.
let drag = null;
$("canvas").addEventListener("pointerdown", event => {
  if (fixing.on || !viewer.photo) return;
  $("canvas").setPointerCapture(event.pointerId);
  drag = [event.clientX, event.clientY];
});
$("canvas").addEventListener("pointermove", event => {
  if (!viewer.photo) return;
  if (!$("loupe").hidden) viewer.look(event, desk.full);
  if (!drag) return;
  const ratio = window.devicePixelRatio || 1;
  if (viewer.view === "compare" && viewer.zoom === 1) {
    viewer.split = Math.min(1, Math.max(0, viewer.place(event)[0] / viewer.size[0]));
    $("compare").value = 100 * viewer.split;
    viewer.draw();
  } else viewer.shift((event.clientX - drag[0]) * ratio, (event.clientY - drag[1]) * ratio);
  drag = [event.clientX, event.clientY];
});
for (const end of ["pointerup", "pointercancel"]) $("canvas").addEventListener(end, () => { drag = null; });
$("canvas").addEventListener("wheel", event => { event.preventDefault(); viewer.zoomBy(event.deltaY < 0 ? 1.15 : 1 / 1.15); }, { passive: false });

const fixing = new Fixing({ desk, say, send, load, settled, busily, press });

const KEYS = {
  j: () => open(desk.at + 1), k: () => open(desk.at - 1),
  a: () => decide("accept"), r: reject, f: () => fixing.enter(), z: undo,
  "+": () => viewer.zoomBy(1.4), "=": () => viewer.zoomBy(1.4), "-": () => viewer.zoomBy(1 / 1.4),
  " ": () => view(VIEWS[(VIEWS.indexOf(viewer.view) + 1) % VIEWS.length]),
  c: () => view(viewer.view === "compare" ? "cutout" : "compare"), h: heat, l: loupe,
  "?": () => $("keys").showModal(),
  arrowleft: () => viewer.shift(60, 0), arrowright: () => viewer.shift(-60, 0),
  arrowup: () => viewer.shift(0, 60), arrowdown: () => viewer.shift(0, -60),
};

document.addEventListener("keydown", event => {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  const target = event.target, typing = target.matches("input:not([type=range], [type=checkbox]), select, textarea");
  if (typing && event.key !== "Escape") return;
  const key = event.key.toLowerCase();
  if (key === " " && target.matches("button, input, a, summary") && target !== document.body) return;
  if (key.startsWith("arrow") && target !== $("canvas")) return;
  const does = (fixing.on && fixing.keys[event.shiftKey && key === "z" ? "Z" : key]) || (fixing.on && "jkarfz".includes(key) ? null : KEYS[key]);
  if (does) { event.preventDefault(); does(); }
});

setInterval(() => { if (desk.lease && desk.item) hold(desk.item).catch(error => { if (!error.offline) desk.lease = null; say(error.message, true); }); }, 30000);
window.addEventListener("pagehide", () => {
  if (!desk.lease) return;
  fetch(`${base}/items/${desk.lease.item}/release`, { method: "POST", keepalive: true, headers: { "X-CSRF-Token": csrf, "Content-Type": "application/json" }, body: JSON.stringify({ lease: desk.lease.token }) });
});
const me = document.querySelector(".desk").dataset.who;
const first = items.findIndex(item => (!item.leased || item.leased === me) && !item.decision);
open(first >= 0 ? first : 0);
