// A clip: its worst frames, one of them in hand, key masks that are drawn, the matte played over it.

import { Viewer, prepare } from "/static/viewer.js";
import { base, load, send } from "/static/server.js";
import { Fixing } from "/static/fixing.js";
import { Stage, press } from "/static/stage.js";

const $ = id => document.getElementById(id);
const { strip, times } = JSON.parse($("facts").textContent);
const frames = strip.map(each => each.frame);
const drawn = new Set(strip.filter(each => each.drawn).map(each => each.frame));
const name = $("title").textContent;
let playing = null; // of the request that plays

const state = { viewer: new Viewer($("canvas"), $("loupe")), item: null, lease: null, holding: null, busy: false };
const page = { state, fixing: null };
const stage = new Stage(page, "overlay");

function say(text, alarm = false) {
  $("said").textContent = text;
  $("said").classList.toggle("alarm", alarm);
}

function mark(frame) {
  $("at-frame").value = frame;
  $("at-time").textContent = `frame ${frame} of ${times.length}, ${times[frame].toFixed(2)} s`;
  for (const button of $("strip").querySelectorAll("button")) {
    const mine = Number(button.dataset.frame) === frame;
    button.setAttribute("aria-current", String(mine));
    if (mine) {
      const left = button.getBoundingClientRect().left - $("strip").getBoundingClientRect().left;
      if (left < 0 || left + button.offsetWidth > $("strip").clientWidth) $("strip").scrollLeft += left;
    }
    button.querySelector(".held").hidden = !drawn.has(Number(button.dataset.frame));
  }
  $("remove").hidden = !drawn.has(frame);
  $("then").hidden = !drawn.size;
  $("count").textContent = `${drawn.size} key mask${drawn.size > 1 ? "s" : ""}: ${[...drawn].sort((a, b) => a - b).join(", ")}`;
}

async function hold(item) {
  const got = await send(item, "lease", {});
  if (state.item === item) state.lease = { item: item.id, token: got.lease };
  return got;
}

async function open(frame, fresh = false) {
  if (frame < 0 || frame >= times.length || state.busy) return;
  if (page.fixing.on) await page.fixing.leave();
  halt();
  const item = state.item = { id: frame, source: `${name}, frame ${frame}`, decision: "" };
  state.lease = null;
  stage.full = null;
  mark(frame);
  say("");
  const holding = state.holding = Promise.allSettled([hold(item)]);
  const [shown] = await Promise.allSettled([load(item, fresh)]);
  if (state.item !== item) return;
  if (shown.status === "rejected") { state.viewer.clear(); say(shown.reason.message, true); return; }
  stage.put(shown.value);
  document.body.dataset.shown = frame;
  const [held] = await holding;
  if (state.item !== item) return;
  if (held.status === "rejected") say(held.reason.message, true);
  else if (held.value.draft.length) say("There is an unfinished mask; press F to go on with it.");
}

async function busily(work) {
  state.busy = true;
  document.body.setAttribute("aria-busy", "true");
  try { await work(); } catch (error) { say(error.message, true); } finally {
    state.busy = false;
    document.body.removeAttribute("aria-busy");
  }
}

function changed(keys) {
  drawn.clear();
  for (const frame of keys) drawn.add(frame);
  document.body.dataset.keys = keys.join(" ");
}

// A mask was saved.
function settled(item, { keys }) {
  changed(keys);
  setTimeout(() => open(item.id).then(() => say(`The mask of frame ${item.id} is kept.`)));
}

async function remove() {
  const item = state.item;
  if (!item || !drawn.has(item.id) || page.fixing.on) return;
  await state.holding;
  await busily(async () => {
    changed((await send(item, "remove", { lease: state.lease?.token || "" })).keys);
    setTimeout(() => open(item.id, true).then(() => say(`The mask of frame ${item.id} is taken away.`)));
  });
}

function along(step) {
  const at = frames.indexOf(state.item?.id);
  open(frames[Math.min(frames.length - 1, Math.max(0, at + step))]);
}

function halt() {
  playing?.abort();
  playing = null;
  $("play").setAttribute("aria-pressed", "false");
}

async function picture(data, kind) {
  const bytes = Uint8Array.from(atob(data), letter => letter.charCodeAt(0));
  return createImageBitmap(new Blob([bytes], { type: kind }));
}

async function* lines(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const found = (rest + value).split("\n");
    rest = found.pop();
    for (const line of found) yield JSON.parse(line);
  }
}

// Play from the frame in hand at the clip's own pace, or as fast as frames come; none is left out.
async function play() {
  if (playing) { open(Number($("at-frame").value)); return; }
  if (page.fixing.on || state.busy) return;
  const first = state.item && state.item.id < times.length - 1 ? state.item.id : 0;
  const mine = playing = new AbortController();
  $("play").setAttribute("aria-pressed", "true");
  say("Reading the clip …");
  try {
    const answer = await fetch(`${base}/play/${first}`, { signal: mine.signal });
    if (!answer.ok) throw new Error((await answer.json().catch(() => ({}))).error?.message || "The clip cannot be played.");
    let began = null;
    for await (const line of lines(answer.body)) {
      const ready = prepare(await picture(line.photo, "image/jpeg"), await picture(line.matte, "image/png"), line.width);
      began ??= performance.now() - 1000 * line.time_s;
      await new Promise(next => setTimeout(next, Math.max(0, began + 1000 * line.time_s - performance.now())));
      if (playing !== mine) return;
      state.item = { id: line.frame, source: `${name}, frame ${line.frame}`, decision: "" };
      state.lease = null;
      stage.put(ready);
      mark(line.frame);
      say("");
      document.body.dataset.played = line.frame;
    }
    if (playing === mine) await open(Number($("at-frame").value));
  } catch (error) {
    if (playing !== mine) return;
    halt();
    say(error.message, true);
  }
}

async function draw() {
  if (playing) await open(Number($("at-frame").value));
  page.fixing.enter();
}

page.fixing = new Fixing({ state, say, send, load, settled, busily, press, show: view => stage.show(view) });
const KEYS = {
  ...stage.keys,
  j: () => along(1), k: () => along(-1), ".": () => open(state.item.id + 1), ",": () => open(state.item.id - 1),
  f: draw, r: remove, " ": play,
};
stage.listen(KEYS, "jkfr., ");
for (const [id, key] of Object.entries({ next: "j", back: "k", fix: "f", remove: "r", play: " " })) $(id).addEventListener("click", KEYS[key]);
$("at-frame").addEventListener("input", () => { halt(); $("at-time").textContent = `frame ${$("at-frame").value} of ${times.length}, ${times[$("at-frame").value].toFixed(2)} s`; });
$("at-frame").addEventListener("change", () => open(Number($("at-frame").value)));
$("strip").addEventListener("click", event => {
  const button = event.target.closest("button");
  if (button) open(Number(button.dataset.frame));
});
open(frames[0] ?? 0);
