// The queue: which picture is in hand, its keys, its decisions. Nothing here needs the network
// beyond the server that sent this page.

import { Viewer } from "/static/viewer.js";
import { base, csrf, load, send, standing } from "/static/server.js";
import { Fixing } from "/static/fixing.js";
import { Stage, press } from "/static/stage.js";

const $ = id => document.getElementById(id);
const items = JSON.parse($("items").textContent);
const AHEAD = 2, HANDED_IN = "handed in";
const showsDecided = document.querySelector("[name=done]").checked;

export const state = {
  items, base, at: -1, lease: null, last: null, viewer: new Viewer($("canvas"), $("loupe")),
  busy: false, holding: null, turn: 0,
  get item() { return items[this.at] || null; },
};
const viewer = state.viewer;
const page = { state, fixing: null };
const stage = new Stage(page);
const me = document.querySelector(".desk").dataset.who;
const rows = new Map([...$("list").querySelectorAll("[data-id]")].map(row => [Number(row.dataset.id), row]));
const LOOK_MS = 15000;

export function say(text, alarm = false) {
  $("said").textContent = text;
  $("said").classList.toggle("alarm", alarm);
}

async function hold(item) {
  const token = state.lease?.item === item.id ? state.lease.token : "";
  const got = await send(item, "lease", { lease: token });
  if (state.item === item) state.lease = { item: item.id, token: got.lease };
  else send(item, "release", { lease: got.lease }).catch(() => {}); // gone on meanwhile
  return got;
}

function letGo() {
  if (!state.lease) return;
  const { item, token } = state.lease;
  state.lease = null;
  send({ id: item }, "release", { lease: token }).catch(() => {});
}

const LEAVE = "picture", SEEN = 0.05;

// The list's small pictures come after the one in hand, and only as they scroll into view.
function thumbnails() {
  for (const small of $("list").querySelectorAll("img[data-src]")) {
    small.src = small.dataset.src;
    small.removeAttribute("data-src");
  }
}

export async function open(index) {
  if (index < 0 || index >= items.length) return;
  if (fixing.on) await fixing.leave();
  if (state.lease && state.lease.item !== items[index].id) letGo();
  state.at = index;
  stage.full = null;
  const item = state.item;
  mark();
  $("title").textContent = item.sku || item.source;
  $("reasons").replaceChildren(...item.reasons.map(reason => Object.assign(document.createElement("li"), { textContent: reason.text, title: reason.name })));
  viewer.sides = item.reasons.filter(r => r.name === "touches-border").flatMap(r => ["top", "right", "bottom", "left"].filter(side => r.text.includes(`the ${side} side`)));
  say(`${index + 1} of ${items.length}${item.score === null ? "" : `, score ${item.score.toFixed(2)}`}${item.decision ? `, ${item.decision}` : ""}`);
  performance.mark(LEAVE);
  const holding = Promise.allSettled([hold(item)]);
  state.holding = holding;
  const [shown] = await Promise.allSettled([load(item)]);
  if (state.item !== item) return;
  if (shown.status === "rejected") { viewer.clear(); say(shown.reason.message, true); return; }
  const empty = item.reasons.some(reason => reason.name === "no-subject") || !shown.value.base.some(alpha => alpha > SEEN);
  stage.put(shown.value, empty);
  thumbnails();
  document.body.dataset.shown = item.id;
  const [held] = await holding;
  if (state.item !== item) return;
  if (held.status === "rejected") { state.lease = null; say(held.reason.message, true); }
  else if (held.value.decision !== item.decision) learn(item, held.value);
  else if (held.value.draft.length) say("There is an unfinished fix; press F to go on with it.");
  for (let n = 1; n <= AHEAD; n++) if (items[index + n]) load(items[index + n]).catch(() => {});
}

function mark() {
  for (const button of $("list").querySelectorAll("button")) {
    const mine = Number(button.dataset.id) === state.item?.id;
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

function isFree(item) { return !item.decision && (!item.leased || item.leased === me); }

function done(item, text) {
  rows.get(item.id).classList.toggle("gone", Boolean(text));
  rows.get(item.id).querySelector(".why").textContent = text || item.reasons.map(reason => reason.name).join(", ");
}

// What the server says of a picture may be newer than this page: tell it, and go on from there.
function learn(item, told) {
  if (told.decision === item.decision) return;
  item.decision = told.decision;
  done(item, told.decided);
  say(told.decision ? `${told.decided} meanwhile. Decide again only if you mean to change that.` : "The decision was taken back; it waits again.", true);
}

// Every now and then: what others have decided, and who has what open.
async function look() {
  if (document.hidden || state.busy || showsDecided) return;
  const turn = state.turn;
  const told = await standing();
  if (!told || turn !== state.turn) return;
  const { waiting, leased } = told, wait = new Set(waiting);
  for (const item of items) {
    const held = rows.get(item.id).querySelector(".held");
    item.leased = leased[item.id] || null;
    held.textContent = item.leased && item.leased !== me ? item.leased : "";
    held.hidden = !held.textContent;
    if (!item.decision && !wait.has(item.id)) { item.decision = "elsewhere"; done(item, "decided by somebody else"); }
  }
  $("left").textContent = waiting.length;
}

export function settled(item, { route, decision, notes = [] }, verb) {
  state.last = verb === HANDED_IN ? null : item;
  state.lease = null;
  state.turn += 1;
  if (!item.decision) $("left").textContent = Math.max(0, Number($("left").textContent) - 1);
  item.decision = decision;
  done(item, `${verb}: ${route}`);
  say(`${item.sku || item.source}: ${[`${verb} → ${route}`, ...notes].join("; ")}.${state.last ? " Z undoes it." : ""}`);
  const next = items.findIndex((one, n) => n > state.at && isFree(one));
  const other = next >= 0 ? next : items.findIndex(isFree);
  if (other >= 0) { const told = $("said").textContent; open(other).then(() => { if (!$("said").classList.contains("alarm")) say(`${told} Now ${other + 1} of ${items.length}.`); }); }
  else say(`${$("said").textContent} The queue is empty.`);
}

async function decide(verdict, why = "") {
  const item = state.item, seen = item?.decision;
  if (!item || state.busy || fixing.on) return;
  await state.holding;
  if (state.item !== item || state.busy) return;
  if (!state.lease) { await open(state.at); if (!state.lease) return; }
  await busily(async () => {
    settled(item, await send(item, "decide", { verdict, why, seen, lease: state.lease.token }), verdict);
  });
}

async function undo() {
  const item = state.last || (state.item?.decision ? state.item : null);
  if (!item || state.busy) { say("There is nothing to undo."); return; }
  await busily(async () => {
    const held = await send(item, "lease", { lease: state.lease?.item === item.id ? state.lease.token : "" });
    const { route } = await send(item, "undo", { seen: item.decision, lease: held.lease });
    if (state.lease && state.lease.item !== item.id) letGo();
    state.lease = { item: item.id, token: held.lease };
    item.decision = null;
    state.last = null;
    state.turn += 1;
    done(item, "");
    $("left").textContent = Number($("left").textContent) + 1;
    await open(items.indexOf(item));
    say(`${item.sku || item.source}: taken back, in ${route} again.`);
  });
}

export async function busily(work) {
  state.busy = true;
  document.body.setAttribute("aria-busy", "true");
  try { await work(); } catch (error) {
    say(error.message, true);
    const item = state.item;
    if (error.code === "decided" && item) hold(item).then(told => learn(item, told)).catch(() => {});
  } finally {
    state.busy = false;
    document.body.removeAttribute("aria-busy");
  }
}

function reject() {
  if (!state.item || fixing.on) return;
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

$("list").addEventListener("click", event => {
  const button = event.target.closest("button");
  if (button) open(items.findIndex(item => item.id === Number(button.dataset.id)));
});
$("next").addEventListener("click", () => open(state.at + 1));
$("back").addEventListener("click", () => open(state.at - 1));
$("accept").addEventListener("click", () => decide("accept"));
$("reject").addEventListener("click", reject);
$("fix").addEventListener("click", () => fixing.enter());
$("undo").addEventListener("click", undo);
async function upload(file, anyway = false) {
  const item = state.item, seen = item?.decision || "";
  if (!file || !item || state.busy) return;
  await state.holding;
  if (state.item !== item || !state.lease) { say("Somebody else has this picture open.", true); return; }
  await busily(async () => {
    const form = new FormData();
    for (const [name, value] of Object.entries({ lease: state.lease.token, seen, anyway, file })) form.append(name, value);
    say(`${file.name} is on its way.`);
    try {
      const told = await send(item, "upload", form);
      load(item, true).catch(() => {});
      settled(item, told, HANDED_IN);
    } catch (error) {
      if (!error.anyway || anyway || !window.confirm(`${error.message}\n\nDeliver it all the same?`)) throw error;
      setTimeout(() => upload(file, true));
    }
  });
}
$("upload").addEventListener("change", () => { upload($("upload").files[0]).finally(() => { $("upload").value = ""; }); });

const fixing = page.fixing = new Fixing({ state, say, send, load, settled, busily, press, show: name => stage.show(name) });

stage.listen({
  ...stage.keys,
  j: () => open(state.at + 1), k: () => open(state.at - 1),
  a: () => decide("accept"), r: reject, f: () => fixing.enter(), z: undo, " ": () => stage.turn(),
}, "jkarfz");

setInterval(look, LOOK_MS);
document.addEventListener("visibilitychange", look);
setInterval(() => { if (state.lease && state.item) hold(state.item).catch(error => { if (!error.offline) state.lease = null; say(error.message, true); }); }, 30000);
window.addEventListener("pagehide", () => {
  if (!state.lease) return;
  fetch(`${base}/items/${state.lease.item}/release`, { method: "POST", keepalive: true, headers: { "X-CSRF-Token": csrf, "Content-Type": "application/json" }, body: JSON.stringify({ lease: state.lease.token }) });
});
const first = items.findIndex(isFree);
open(first >= 0 ? first : 0);
