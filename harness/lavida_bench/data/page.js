function svg(tag, attributes, ...kids) {
  const e = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(attributes)) e.setAttribute(key, value);
  e.append(...kids);
  return e;
}
function short(x) {
  if (x === null || x === undefined) return "–";
  return Math.abs(x) >= 1e4 || (x && Math.abs(x) < 1e-3) ? x.toExponential(1) : String(+x.toPrecision(3));
}
// Tables. A table that is wider than its place is stacked: a row becomes a block, with the titles of the columns in it.
const wides = [];
const PAPER = 680; // narrowest width of a page of paper, in pixels
// `head`: [{ text, number, title, mark }]; `rows`: [{ className, cells: [[node or text, ...]] }]; the first cell is the row's head.
function table(head, rows, className = "") {
  const title = (h) => [h.text.replace(/ ([↑↓])$/, "\u00a0$1"), ...(h.mark ? [el("em", { className: "mark", textContent: h.mark })] : [])];
  const top = el("tr", { role: "row" }, ...head.map((h) => el("th", { scope: "col", role: "columnheader", className: h.number ? "number" : "", title: h.title ?? "" }, ...title(h))));
  const lines = rows.map((row) => el("tr", { role: "row", className: row.className ?? "" }, ...row.cells.map((kids, n) => {
    const cell = el(n ? "td" : "th", { role: n ? "cell" : "rowheader", className: `${head[n].number ? "number" : ""} ${head[n].words ? "words" : ""}`.trim() }, ...kids);
    if (!n) cell.scope = "row";
    if (!kids.length || kids.every((kid) => kid === "")) cell.classList.add("empty");
    cell.dataset.title = title(head[n]).map((part) => part.textContent ?? part).join(" ");
    if (head[n].mark) cell.classList.add("marked");
    return cell;
  })));
  const box = el("div", { className: "wide", tabIndex: 0 }, el("table", { className, role: "table" }, el("thead", { role: "rowgroup" }, top), el("tbody", { role: "rowgroup" }, ...lines)));
  wides.push(box);
  return box;
}
function fit(limit) {
  for (const box of wides) {
    box.classList.remove("stacked");
    if (limit) box.style.width = `${Math.min(limit, box.clientWidth || limit)}px`;
    const over = box.scrollWidth > box.clientWidth;
    box.style.width = "";
    if (over) box.classList.add("stacked");
  }
}
// "82.18 [79.10, 85.02]" as the value and, in small print, its interval.
function valueAndInterval(text) {
  const start = text.indexOf(" [");
  return start < 0 ? [text] : [text.slice(0, start), el("small", { textContent: text.slice(start + 1) })];
}
// A point in time of a video of `total` frames: ``1:05``, of short ones ``3.2 s``, and the frame where the rate is unknown.
function clock(frames, fps, total) {
  if (!fps) return Math.round(frames).toLocaleString("en");
  if (total / fps < 20) return `${(frames / fps).toFixed(1)} s`;
  const s = Math.round(frames / fps);
  return `${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")}`;
}
// Points with whiskers on one axis. `rows`: [{ name, className, value, low, high, text, title }]; `line`: a level to compare with.
function forest(rows, { label, line = null, lineText = "", least = -Infinity, most = Infinity }) {
  const ends = rows.flatMap((r) => [r.value, r.low ?? r.value, r.high ?? r.value]);
  if (line !== null) ends.push(line);
  let low = Math.min(...ends), high = Math.max(...ends);
  const pad = (high - low || 1) * .05;
  low = Math.max(least, low - pad); high = Math.min(most, high + pad);
  const position = (x) => `${100 * (x - low) / (high - low)}%`;
  const mark = (tag, x, className) => { const e = el(tag, { className }); e.style.left = position(x); return e; };
  const box = el("div", { className: "forest", role: "img", ariaLabel: label });
  const row = (className, name, lane, value) => box.append(el("div", { className }, name, lane, value));
  for (const r of rows) {
    const lane = el("div", { className: "lane" });
    if (line !== null) lane.append(mark("s", line, ""));
    if (r.low !== null && r.high !== null) { const bar = mark("i", r.low, ""); bar.style.width = `${100 * (r.high - r.low) / (high - low)}%`; lane.append(bar); }
    lane.append(mark("u", r.value, ""));
    row(r.className, el("span", { className: "name", textContent: r.name, title: r.title ?? r.name }), lane, el("b", { textContent: r.text }));
  }
  const axis = el("div", { className: "lane ticks" });
  for (const x of ticks(low, high)) { const t = mark("span", x, ""); t.textContent = short(x); axis.append(t); }
  row("scale", el("span", { className: "name" }), axis, el("b"));
  if (line !== null) { const lane = el("div", { className: "lane ticks" }), t = mark("span", line, "chance"); t.textContent = lineText; if (line < (low + high) / 2) t.classList.add("right"); else t.classList.add("left"); lane.append(t); row("scale", el("span", { className: "name" }), lane, el("b")); }
  return box;
}
// Round numbers between low and high, about four of them.
function ticks(low, high) {
  const raw = (high - low) / 4, power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= raw);
  const found = [];
  for (let n = Math.ceil(low / step); n * step <= high; n++) found.push(n * step);
  return found;
}
function extent(lines) {
  let low = Infinity, high = -Infinity;
  for (const line of lines) {
    for (const x of line.low) if (x !== null && x < low) low = x;
    for (const x of line.high) if (x !== null && x > high) high = x;
  }
  if (low > high) return [0, 1];
  return low === high ? [low - .5, high + .5] : [low, high];
}
// A band from the lowest to the highest score of each bin, with gaps where nothing was scored.
function band(line, [low, high], className) {
  const bins = line.low.length, parts = [];
  const x = (i) => ((i + .5) * 240 / bins).toFixed(2), y = (v) => (76 - 72 * (v - low) / (high - low)).toFixed(2);
  for (let i = 0; i < bins; i++) {
    if (line.low[i] === null) continue;
    let stop = i;
    while (stop < bins && line.low[stop] !== null) stop++;
    const top = [], bottom = [];
    for (let n = i; n < stop; n++) { top.push(`${x(n)} ${y(line.high[n])}`); bottom.unshift(`${x(n)} ${y(line.low[n])}`); }
    if (top.length === 1) { top.push(`${+x(i) + 240 / bins} ${y(line.high[i])}`); bottom.unshift(`${+x(i) + 240 / bins} ${y(line.low[i])}`); }
    parts.push(`M${top.join("L")}L${bottom.join("L")}Z`);
    i = stop;
  }
  return svg("path", { d: parts.join(""), class: className });
}
// Scores of a video over its annotated events. `lines`: one timeline per run; `frames`: where dashed lines are drawn.
function curve(lines, range, frames) {
  const { frames: count, fps, events } = lines[0];
  const x = (frame) => 240 * frame / count;
  const picture = svg("svg", { viewBox: "0 0 240 80", preserveAspectRatio: "none", role: "img" });
  picture.setAttribute("aria-label", `scores from ${short(range[0])} to ${short(range[1])} over ${count} frames`);
  for (const [start, stop] of events ?? []) picture.append(svg("rect", { x: x(start), y: 0, width: Math.max(.6, x(stop) - x(start)), height: 80, class: "event" }));
  for (const frame of frames) picture.append(svg("path", { d: `M${x(frame + .5)} 0V80`, class: "peak" }));
  lines.forEach((line, n) => picture.append(band(line, range, `series${n}`)));
  for (const share of [.25, .5, .75]) picture.prepend(svg("path", { d: `M0 ${4 + 72 * share}H240M${240 * share} 0V80`, class: "grid" }));
  const levels = [range[1], (range[0] + range[1]) / 2, range[0]].map((x) => el("span", { textContent: short(x) }));
  return el("div", { className: "curve" }, el("div", { className: "levels" }, ...levels), picture,
    el("div", { className: "axis" }, ...[0, count / 2].map((frame) => el("span", { textContent: clock(frame, fps, count) })), el("span", { textContent: `${count.toLocaleString("en")} frames${fps ? `, ${clock(count, fps, count)}` : ""}` })));
}
// Cards outside the viewport are empty: `fill` is called when a card comes near it.
const near = new IntersectionObserver((entries) => {
  for (const entry of entries) if (entry.isIntersecting) { near.unobserve(entry.target); entry.target.fill(); }
}, { rootMargin: "600px" });
const lazy = [];
function lazily(node, fill) { node.fill = fill; lazy.push(node); near.observe(node); return node; }
// Paper has no window to scroll and nothing to click: all cards are filled and all parts open.
let opened = [];
function paper(on) {
  if (on) {
    for (const node of lazy) if (!node.hidden && !node.childElementCount) node.fill();
    const closed = [...document.querySelectorAll("details:not([open])")];
    opened.push(...closed);
    for (const part of closed) part.open = true;
    fit(PAPER);
  } else {
    for (const part of opened) part.open = false;
    opened = [];
    fit();
  }
}
function ready() { fit(); if (matchMedia("print").matches) paper(true); }
addEventListener("beforeprint", () => paper(true));
addEventListener("afterprint", () => paper(false));
matchMedia("print").addEventListener("change", (event) => paper(event.matches));
addEventListener("resize", () => { if (!matchMedia("print").matches) fit(); });
document.addEventListener("toggle", () => { if (!matchMedia("print").matches) fit(); }, true);
function choice(label, options, changed) {
  const select = el("select", {}, ...options.map(([value, text]) => el("option", { value, textContent: text })));
  select.addEventListener("change", () => changed(select.value));
  return el("label", { textContent: `${label} ` }, select);
}
