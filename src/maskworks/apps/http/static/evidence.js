// Findings of one clip: which is in hand, its frame, and what a person says of it.

const $ = id => document.getElementById(id);
const items = JSON.parse($("items").textContent);
const desk = document.querySelector(".desk").dataset;
const csrf = document.querySelector("meta[name=csrf]").content;
const address = (what, fields = {}) => `${desk.base}/${what}?${new URLSearchParams({ clip: desk.clip, ...fields })}`;
const WORDS = { confirm: "agreed", dismiss: "disagreed", "wrong category": "corrected" };
let listed = [], at = -1, unveiled = false, busy = false;

function say(text, alarm = false) {
  $("said").textContent = text;
  $("said").classList.toggle("alarm", alarm);
}

function made(kind, properties = {}, ...inside) {
  const one = Object.assign(document.createElement(kind), properties);
  one.append(...inside);
  return one;
}

const told = said => !said ? "" : `${WORDS[said.verdict]}${said.category ? `: ${said.category}` : ""}${said.reason ? `, ${said.reason}` : ""}`;

function row(item, place) {
  const inside = [
    made("span", { className: "score", textContent: item.time }),
    made("span", { className: "name", textContent: `${item.category}${item.hint ? " (hint)" : ""}` }),
    made("span", { className: "why", textContent: item.quote || item.label }),
    made("span", { className: "held", textContent: told(item.mine) }),
  ];
  const button = made("button", { type: "button" }, ...inside);
  button.dataset.id = item.id;
  button.addEventListener("click", () => open(place));
  return made("li", {}, button);
}

function list() {
  const before = listed[at]?.id;
  listed = items.filter(item => $("hints").checked || !item.hint);
  $("list").replaceChildren(...listed.map(row));
  if (!listed.length) $("list").append(made("li", { className: "empty", textContent: "No finding reached the confidence that the policy asks for." }));
  at = listed.findIndex(item => item.id === before);
  mark();
}

function mark() {
  for (const button of $("list").querySelectorAll("button")) {
    const current = button.dataset.id === listed[at]?.id;
    button.setAttribute("aria-current", current);
    if (current) button.scrollIntoView({ block: "nearest" });
  }
}

function picture(item) {
  const veiled = item.veiled && !unveiled;
  $("picture").hidden = item.picture === null;
  $("no-picture").hidden = item.picture !== null;
  if (item.picture !== null) $("picture").src = address("frame", { frame: item.picture });
  $("picture").alt = `Frame ${item.frame}, ${item.time}`;
  $("shown").classList.toggle("veiled", veiled);
  $("unveil").hidden = !veiled || item.picture === null;
  $("strip").classList.toggle("veiled", veiled);
  const outline = $("outline");
  outline.toggleAttribute("hidden", !item.box || item.picture === null);
  if (item.box) {
    outline.setAttribute("viewBox", `0 0 ${desk.width} ${desk.height}`);
    ["x", "y", "width", "height"].forEach((name, n) => outline.firstElementChild.setAttribute(name, item.box[n]));
  }
}

function opinions(item) {
  const all = [["you", item.mine], ...item.others.map(other => [other.who, other])].filter(([, said]) => said);
  $("opinions").replaceChildren(...all.map(([who, said]) => made("li", { textContent: `${who}: ${told(said)}` })));
}

export function open(place) {
  if (place < 0 || place >= listed.length) return;
  at = place;
  unveiled = false;
  const item = listed[at];
  $("title").textContent = `${item.category}${item.hint ? " (hint)" : ""} at ${item.time}`;
  $("strip").replaceChildren();
  picture(item);
  const [before, after] = item.quote?.includes(item.label) ? item.quote.split(item.label, 2) : [item.quote ? `${item.quote} — ` : "", ""];
  $("quote").replaceChildren(before, made("mark", { textContent: item.label }), after);
  $("facts").textContent = [
    `${item.signal} (${item.source})`, `confidence ${item.confidence.toFixed(2)}, ${item.calibrated ? "calibrated" : "not calibrated"}`,
    `frame ${item.frame}`, item.seconds ? `${item.seconds} s` : "", ...item.context,
  ].filter(Boolean).join(" · ");
  $("reason").value = item.mine?.reason || "";
  opinions(item);
  say(`${at + 1} of ${listed.length}`);
  mark();
  document.body.dataset.shown = item.id;
}

async function asked(url, options) {
  const answer = await fetch(url, options).catch(() => { throw new Error("The server does not answer. Try again."); });
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(said.error?.message || `The server answers with ${answer.status}.`);
  return said;
}

async function judge(verdict, category) {
  const item = listed[at];
  if (!item || busy) return;
  busy = true;
  try {
    const fields = { finding: item.id, verdict, reason: $("reason").value.trim(), ...(category ? { category } : {}) };
    const headers = { "X-CSRF-Token": csrf, "Content-Type": "application/json" };
    Object.assign(item, await asked(address("judge"), { method: "POST", headers, body: JSON.stringify(fields) }));
    list();
    document.body.dataset.judged = item.id;
    const next = listed.findIndex((other, place) => place > at && !other.mine);
    if (next >= 0 && !item.others.length) { open(next); say(`${item.id} ${told(item.mine)}; ${at + 1} of ${listed.length}`); }
    else { opinions(item); say(`${item.id} ${told(item.mine)}`); }
  } catch (error) {
    say(error.message, true);
  } finally {
    busy = false;
  }
}

async function more() {
  const item = listed[at];
  if (!item || busy) return;
  busy = true;
  say("Reading the clip …");
  try {
    const { frames } = await asked(address("more", { finding: item.id }));
    if (listed[at] !== item) return;
    $("strip").replaceChildren(...frames.map(frame => {
      const image = made("img", { src: frame.url, alt: `Frame ${frame.index}` });
      return made("figure", { className: frame.here ? "here" : "" }, image, made("figcaption", { textContent: `${frame.time} · ${frame.index}` }));
    }));
    say(`${frames.length} frames, half a second apart; they are not kept`);
    document.body.dataset.more = item.id;
  } catch (error) {
    say(error.message, true);
  } finally {
    busy = false;
  }
}

function unveil() {
  unveiled = !unveiled;
  if (listed[at]) picture(listed[at]);
}

const KEYS = {
  j: () => open(at + 1), k: () => open(at - 1), a: () => judge("confirm"), d: () => judge("dismiss"),
  w: () => $("which").showModal(), m: more, v: unveil, r: () => $("reason").focus(), "?": () => $("keys").showModal(),
};
document.addEventListener("keydown", event => {
  if (event.target === $("reason")) {
    if (event.key === "Enter" || event.key === "Escape") $("title").focus();
    return;
  }
  const typing = event.target.matches("select, textarea, input:not([type=checkbox])");
  if (typing || document.querySelector("dialog[open]") || event.ctrlKey || event.metaKey || event.altKey) return;
  const act = KEYS[event.key.toLowerCase()];
  if (act) { event.preventDefault(); act(); }
});
for (const [id, key] of Object.entries({ back: "k", next: "j", agree: "a", disagree: "d", correct: "w", more: "m", unveil: "v", help: "?" })) $(id).addEventListener("click", () => KEYS[key]());
$("which").addEventListener("close", () => { if ($("which").returnValue === "ok") judge("wrong category", $("category").value); $("which").returnValue = ""; });
$("hints").addEventListener("change", () => { list(); if (at < 0) open(0); });

$("shown").style.setProperty("--ratio", desk.width / desk.height);
if (items.length && items.every(item => item.hint)) $("hints").checked = true;
list();
open(Math.max(0, listed.findIndex(item => !item.mine)));
