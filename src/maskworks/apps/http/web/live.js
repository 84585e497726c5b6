// The page /live: a photo, or the camera, cut out by this browser.
import { load, VideoMatte, withAlpha } from "./index.js";

const $ = (id) => document.getElementById(id);
const here = (name) => new URL(name, import.meta.url);
const opened = {};
let shown = null;
let video = null;
let stream = null;

function say(text, wrong = false) {
  $("said").textContent = text;
  $("said").className = wrong ? "error" : "";
}

function cutter(kind) {
  if (!opened[kind]) {
    say("Loading the network …");
    opened[kind] = load({ model: here(`../${kind}.json`), runtime: here("ort.wasm.min.mjs") });
    opened[kind].then(
      (it) => say(`Ready: ${it.spec.name}, ${it.threads === 1 ? "one thread" : `${it.threads} threads`}.`),
      () => { delete opened[kind]; },
    );
  }
  return opened[kind];
}

const guarded = (work) => async (...given) => {
  try {
    await work(...given);
  } catch (error) {
    say(error.message || String(error), true);
  }
};

const cutPhoto = guarded(async (file) => {
  if (!file) return;
  document.body.dataset.state = "working";
  const one = await cutter("model");
  const began = performance.now();
  const found = await one.cutout(file);
  const seconds = (performance.now() - began) / 1000;
  const bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
  const clear = found.subject ? found : { ...found, matte: new Float32Array(found.matte.length) };
  shown = withAlpha(bitmap, clear);
  Object.assign($("cut"), { width: found.width, height: found.height, hidden: false });
  $("cut").getContext("2d").drawImage(shown, 0, 0);
  $("save").hidden = !found.subject;
  $("judged").textContent = found.subject
    ? `Confidence ${found.confidence?.toFixed(2) ?? "unknown"} (expected IoU), ${found.width} × ${found.height}, ${seconds.toFixed(1)} s.`
    : `No subject (${Math.round((1 - found.presence) * 100)} % sure), ${seconds.toFixed(1)} s.`;
  say(`Done with ${one.spec.name}.`);
  document.body.dataset.state = "done";
});

$("photo").addEventListener("change", () => cutPhoto($("photo").files[0]));
$("drop").addEventListener("dragover", (event) => {
  event.preventDefault();
  $("drop").classList.add("over");
});
$("drop").addEventListener("dragleave", () => $("drop").classList.remove("over"));
$("drop").addEventListener("drop", (event) => {
  event.preventDefault();
  $("drop").classList.remove("over");
  cutPhoto(event.dataTransfer.files[0]);
});
$("save").addEventListener("click", async () => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await shown.convertToBlob({ type: "image/png" }));
  link.download = `${($("photo").files[0]?.name || "photo").replace(/\.[^.]*$/, "")}-cut-out.png`;
  link.click();
  URL.revokeObjectURL(link.href);
});

const chooseBackground = guarded(async () => {
  const kind = $("background").value;
  $("colour-label").hidden = kind !== "colour";
  $("picture-label").hidden = kind !== "picture";
  let background = kind;
  if (kind === "colour") background = $("colour").value;
  if (kind === "picture") {
    const file = $("picture").files[0];
    if (!file) return;
    background = await createImageBitmap(file, { imageOrientation: "from-image" });
  }
  if (video) video.background = background;
  return background;
});
for (const id of ["background", "colour", "picture"]) $(id).addEventListener("change", chooseBackground);
$("side").addEventListener("change", () => { if (video) video.side = Number($("side").value); });

$("start").addEventListener("click", guarded(async () => {
  $("start").disabled = true;
  try {
    if (!navigator.mediaDevices) throw new Error("This browser gives no camera to this page; open it by https or on localhost.");
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 480 }, audio: false });
    } catch (error) {
      throw new Error(error.name === "NotAllowedError" ? "The camera was not allowed; allow it for this page." : "There is no camera that could be used; photos work without one.");
    }
    const one = await cutter("camera");
    $("camera").srcObject = stream;
    await $("camera").play();
    video = new VideoMatte($("camera"), { cutter: one, canvas: $("shown"), side: Number($("side").value), onFrame: tell });
    await chooseBackground();
    $("shown").hidden = false;
    $("stop").hidden = false;
    $("start").hidden = true;
    $("stop").focus();
    video.start().catch((error) => { stopCamera(); say(error.message, true); });
  } catch (error) {
    stopCamera();
    throw error;
  } finally {
    $("start").disabled = false;
  }
}));

function tell({ rate, confidence, subject }) {
  document.body.dataset.frames = 1 + Number(document.body.dataset.frames || 0);
  if (!rate) return;
  const sure = confidence === null ? "" : `, confidence ${confidence.toFixed(2)}`;
  $("rate").textContent = `${rate.toFixed(1)} frames a second${subject ? sure : ", no subject"}.`;
}

function stopCamera() {
  video?.stop();
  video = null;
  for (const track of stream?.getTracks() ?? []) track.stop();
  stream = null;
  $("stop").hidden = true;
  $("start").hidden = false;
}
$("stop").addEventListener("click", () => { stopCamera(); $("start").focus(); });
document.body.dataset.state = "ready";
