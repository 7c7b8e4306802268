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
// "82.18 [79.10, 85.02]" as the value and, in small print, its interval.
function valueAndInterval(text) {
  const start = text.indexOf(" [");
  return start < 0 ? [text] : [text.slice(0, start), el("small", { textContent: text.slice(start + 1) })];
}
function time(frames, fps) {
  if (!fps) return `${frames.toLocaleString("en")} frames`;
  const s = Math.round(frames / fps);
  return `${frames.toLocaleString("en")} frames, ${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")}`;
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
  return el("div", { className: "curve" }, picture,
    el("div", { className: "axis" }, el("span", { textContent: `0 · score ${short(range[0])} … ${short(range[1])}` }), el("span", { textContent: time(count, fps) })));
}
// Cards outside the viewport are empty: `fill` is called when a card comes near it.
const near = new IntersectionObserver((entries) => {
  for (const entry of entries) if (entry.isIntersecting) { near.unobserve(entry.target); entry.target.fill(); }
}, { rootMargin: "600px" });
function lazily(node, fill) { node.fill = fill; near.observe(node); return node; }
function choice(label, options, changed) {
  const select = el("select", {}, ...options.map(([value, text]) => el("option", { value, textContent: text })));
  select.addEventListener("change", () => changed(select.value));
  return el("label", { textContent: `${label} ` }, select);
}
