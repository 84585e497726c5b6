// The threshold slider and two plots.

const rows = JSON.parse(document.getElementById("thresholds").textContent);
const points = JSON.parse(document.getElementById("points").textContent);
const slider = document.getElementById("at"), told = document.getElementById("told");
const percent = share => `${(100 * share).toFixed(share > 0 && share < 0.1 ? 1 : 0)} %`;

function made(name, attributes, text) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text) element.textContent = text;
  return element;
}

function axes(svg, wide, tall, across, up) {
  svg.replaceChildren(made("path", { class: "axis", d: `M30 10V${tall}H${wide}` }),
    made("text", { x: 4, y: 16 }, "1"), made("text", { x: 4, y: tall }, "0"),
    made("text", { x: wide - 8, y: tall + 14 }, "1"), made("text", { x: 30, y: tall + 14 }, "0"),
    made("text", { x: (wide - 30) / 2 - 20, y: tall + 14 }, across), made("text", { x: 30, y: 0 }, up));
}

function plot() {
  const svg = document.getElementById("plot"), x = at => 30 + 280 * at, y = share => 180 - 170 * share;
  axes(svg, 310, 180, "threshold", "delivered; dashed: wrong among them");
  const line = key => rows.filter(r => r[key] !== null).map((r, n) => `${n ? "L" : "M"}${x(r.at)} ${y(r[key])}`).join("");
  svg.append(made("path", { class: "line", d: line("delivered") || "M0 0" }), made("path", { class: "bad", d: line("wrong") || "M0 0" }));
  const at = slider.value / 100;
  svg.append(made("path", { class: "now", d: `M${x(at)} 10V180` }));
}

function tell() {
  const row = rows[Number(slider.value)];
  const wrong = row.wrong === null ? "nobody has decided on one of them yet" : `${percent(row.wrong)} of the ${row.judged} decided ones among them were not accepted`;
  told.textContent = `At ${row.at.toFixed(2)} you would deliver ${percent(row.delivered)}; ${wrong}.`;
  plot();
}

slider.addEventListener("input", tell);
tell();

const reliability = document.getElementById("reliability");
if (reliability) {
  axes(reliability, 310, 190, "score", "accepted");
  reliability.append(made("path", { class: "now", d: "M30 190L310 10" }));
  for (const p of points) reliability.append(made("circle", { class: "dot", cx: 30 + 280 * p.said, cy: 190 - 180 * p.accepted, r: Math.min(10, 3 + Math.sqrt(p.count)) }));
}
