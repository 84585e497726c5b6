"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const ROUTES = ["deliver", "review", "manual", "failed"];
  const PAGE = 60;
  const $ = (id) => document.getElementById(id);
  const state = { words: "", route: "", reason: "", tag: "", concept: "", sort: "doubt",
                  view: "cards", shown: PAGE };
  const fields = ["route", "reason", "tag", "concept", "sort"];

  const items = data.items.map((row, at) => ({
    ...row, at,
    hay: [row.source, row.sku, row.concept, row.route, row.error, ...row.tags,
          ...row.reasons.flat()].join("\n").toLowerCase(),
  }));

  /* Everything that comes from a file is set as text, never as markup. */
  function make(tag, className, ...children) {
    const node = document.createElement(tag);
    if (className) node.className = className;
    for (const child of children) if (child !== null && child !== "") node.append(child);
    return node;
  }

  function picture(row, which) {
    const figure = make("figure", which ? "after" : "before");
    const code = row.pair ? row.pair[which] : "";
    if (!code) {
      figure.append(make("span", "none", absent(row, which)));
      return figure;
    }
    const image = make("img");
    image.src = "data:image/webp;base64," + code;
    image.alt = `${row.source}, ${which ? "after" : "before"}`;
    figure.classList.add("shown");
    figure.append(image);
    return figure;
  }

  function absent(row, which) {
    if (!which || !row.pair) return "no preview";
    return row.route === "manual" ? "to a retoucher" : "nothing made";
  }

  function pair(row) {
    if (row.pair) return make("div", "pair", picture(row, 0), picture(row, 1));
    return make("div", "pair bare", picture(row, 0));
  }

  function badge(row) {
    return make("span", `badge ${row.route}`, make("span", "dot"), row.route);
  }

  function gauge(row) {
    if (row.score === null) return make("span", "dim", "no score");
    const fill = make("b");
    fill.style.width = `${row.score * 100}%`;
    const node = make("span", `gauge ${row.route}`, make("i", "", fill), row.score.toFixed(2));
    node.title = "score";
    return node;
  }

  function reasons(row) {
    const list = make("ul", "why");
    for (const [name, text] of row.reasons) {
      list.append(make("li", "", make("b", "", name), text ? ` ${text}` : ""));
    }
    return row.reasons.length ? list : null;
  }

  function fault(row) {
    return row.error ? make("ul", "why bad", make("li", "", row.error)) : null;
  }

  function outputs(row) {
    if (!row.outputs.length) return null;
    const line = make("p", "small", row.outputs.length === 1 ? "1 file: " : `${row.outputs.length} files: `);
    row.outputs.forEach((path, at) => {
      const parts = path.split("/"); // ROUTE/CONCEPT/VARIANT/...
      const link = make("a", "", parts.length > 3 ? parts.slice(1, 3).join("/") : parts.pop());
      link.href = "./" + path.split("/").map(encodeURIComponent).join("/");
      line.append(at ? ", " : "", link);
    });
    return line;
  }

  function heading(row) {
    const cut = row.source.lastIndexOf("/") + 1;
    return make("h3", "", cut ? make("span", "", row.source.slice(0, cut)) : null, row.source.slice(cut));
  }

  function card(row) {
    const facts = [row.sku, row.concept, row.tags.join(", "), row.seconds].filter(Boolean).join(" · ");
    return make("li", "item",
      pair(row),
      make("div", "text", heading(row),
        make("div", "line", badge(row), gauge(row), row.cost ? make("span", "dim", row.cost) : null),
        reasons(row), fault(row), facts ? make("p", "small", facts) : null, outputs(row)));
  }

  function tableRow(row) {
    const cells = [
      row.pair ? picture(row, row.pair[1] ? 1 : 0).firstChild : "",
      make("div", "", row.source, make("div", "small", row.tags.join(", "))),
      row.sku, row.concept, badge(row), gauge(row),
      make("div", "", row.reasons.map(([name]) => name).join(", "), fault(row)), row.cost, row.seconds];
    return make("tr", "", ...cells.map((cell) => make("td", "", cell)));
  }

  function table(rows) {
    const names = ["", "Picture", "SKU", "Concept", "Route", "Score", "Reasons", "Cost", "Time"];
    const heads = names.map((name) => { const th = make("th", "", name); th.scope = "col"; return th; });
    const list = make("div", "list", make("table", "",
      make("thead", "", make("tr", "", ...heads)), make("tbody", "", ...rows.map(tableRow))));
    list.tabIndex = 0; // it scrolls sideways where the page is narrow
    list.setAttribute("role", "region");
    list.setAttribute("aria-label", "Pictures as a list");
    return list;
  }

  const grouped = (count) => count.toLocaleString("en");
  const byName = new Intl.Collator(undefined, { numeric: true }).compare;
  const DOUBT = { review: 0, manual: 1, failed: 2, deliver: 3 };
  const ORDER = {
    doubt: (a, b) => DOUBT[a.route] - DOUBT[b.route] || ORDER.score(a, b),
    score: (a, b) => (a.score ?? -1) - (b.score ?? -1),
    best: (a, b) => (b.score ?? -1) - (a.score ?? -1),
    name: (a, b) => byName(a.source, b.source),
    slow: (a, b) => b.spent - a.spent,
    input: (a, b) => a.at - b.at,
  };

  function matching() {
    const words = state.words.toLowerCase().split(/\s+/).filter(Boolean);
    return items.filter((row) =>
      (!state.route || row.route === state.route) &&
      (!state.reason || row.reasons.some(([name]) => name === state.reason)) &&
      (!state.tag || row.tags.includes(state.tag)) &&
      (!state.concept || row.concept === state.concept) &&
      words.every((word) => row.hay.includes(word))).sort(ORDER[state.sort]);
  }

  function draw() {
    const found = matching();
    const shown = found.slice(0, state.shown);
    const counts = ROUTES.map((route) => [found.filter((row) => row.route === route).length, route])
      .filter(([count]) => count).map(([count, route]) => `${grouped(count)} ${route}`).join(", ");
    $("count").textContent = `${grouped(found.length)} of ${grouped(items.length)} pictures`;
    $("split").textContent = found.length === items.length ? "" : counts;
    const body = !found.length
      ? make("p", "empty", "No picture fits. Take a filter away, or press Clear.")
      : state.view === "cards" ? make("ul", "cards", ...shown.map(card)) : table(shown);
    $("list").replaceChildren(body);
    $("more").hidden = found.length <= shown.length;
    $("more").textContent = `Show ${Math.min(PAGE, found.length - shown.length)} more`;
    for (const name of fields) $(name).value = state[name];
    for (const button of document.querySelectorAll("[data-set]")) {
      button.setAttribute("aria-pressed", String(state[button.dataset.set] === button.dataset.to));
    }
    $("clear").hidden = !(state.words || state.route || state.reason || state.tag || state.concept);
  }

  function set(name, value) {
    state[name] = value;
    state.shown = PAGE;
    draw();
  }

  $("words").addEventListener("input", (event) => set("words", event.target.value));
  for (const name of fields) $(name).addEventListener("change", (event) => set(name, event.target.value));
  for (const button of document.querySelectorAll("[data-set]")) {
    button.addEventListener("click", () => {
      const { set: name, to } = button.dataset;
      const again = name !== "view" && state[name] === to;
      set(name, again ? "" : to);
      if (button.closest(".panel, .routes") && !again) $("pictures").scrollIntoView();
    });
  }
  $("clear").addEventListener("click", () => {
    Object.assign(state, { words: "", route: "", reason: "", tag: "", concept: "" });
    $("words").value = "";
    set("shown", PAGE);
    $("words").focus();
  });
  $("more").addEventListener("click", () => { state.shown += PAGE; draw(); });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey) return;
    if (["INPUT", "SELECT"].includes(document.activeElement?.tagName)) return;
    event.preventDefault();
    $("words").focus();
  });
  $("tools").hidden = false;
  draw();
})();
