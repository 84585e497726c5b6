// What the page asks of its server: pictures, which are kept for a while, and everything else.

import { layer, prepare } from "/static/viewer.js";

export const base = document.querySelector(".desk").dataset.base;
export const csrf = document.querySelector("meta[name=csrf]").content;
const KEPT = 6;
const pictures = new Map();

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

// Everything in full size, for the loupe.
export async function whole(item) {
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

// Which pictures wait now, and who has what open; null if the server does not say.
export async function standing() {
  const answer = await fetch(`${base}/standing`).catch(() => null);
  return answer?.ok ? answer.json() : null;
}
