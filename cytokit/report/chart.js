// Scales and axes, in pixels of the drawing.
function scale(low, high, log, from, to) {
  const place = log ? Math.log10 : (value) => value;
  const [start, end] = [place(low), place(high)];
  const at = (value) => from + ((place(value) - start) / (end - start)) * (to - from);
  return Object.assign(at, { low, high, log, from, to });
}

function logTicks(low, high) {
  const ticks = [];
  const decades = Math.log10(high / low);
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power += 1) {
    for (const digit of decades > 2.2 ? [1] : [1, 2, 5]) {
      const tick = digit * 10 ** power;
      if (tick >= low * 0.999 && tick <= high * 1.001) ticks.push(tick);
    }
  }
  const every = Math.ceil(ticks.length / 7);
  return ticks.filter((_, index) => index % every === 0);
}

function linearTicks(low, high) {
  const raw = (high - low) / 5;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((digit) => digit * power).find((size) => size >= raw);
  const ticks = [];
  for (let index = Math.ceil(low / step); index * step <= high * 1.0001; index += 1) {
    ticks.push(index * step);
  }
  return ticks;
}

const ticksOf = (axis) => (axis.log ? logTicks : linearTicks)(axis.low, axis.high);

function tickText(value) {
  const size = Math.abs(value);
  if (size >= 1e6) return `${Number((value / 1e6).toPrecision(3))} M`;
  if (size >= 1000) return `${Number((value / 1000).toPrecision(3))} k`;
  return String(Number(value.toPrecision(3)));
}

function bottomAxis(axis, y, title, upTo) {
  const marks = ticksOf(axis).map((tick) => svg("g", {},
    svg("line", { class: "grid", x1: axis(tick), x2: axis(tick), y1: y, y2: upTo }),
    svg("text", { x: axis(tick), y: y + 16, "text-anchor": "middle" }, tickText(tick))));
  const middle = (axis.from + axis.to) / 2;
  return svg("g", { class: "axis" }, marks,
    svg("line", { class: "rule", x1: axis.from, x2: axis.to, y1: y, y2: y }),
    svg("text", { class: "title", x: middle, y: y + 33, "text-anchor": "middle" }, title));
}

function leftAxis(axis, x, title, upTo) {
  const marks = ticksOf(axis).map((tick) => svg("g", {},
    svg("line", { class: "grid", x1: x, x2: upTo, y1: axis(tick), y2: axis(tick) }),
    svg("text", { x: x - 6, y: axis(tick) + 4, "text-anchor": "end" }, tickText(tick))));
  return svg("g", { class: "axis" }, marks,
    svg("line", { class: "rule", x1: x, x2: x, y1: axis.from, y2: axis.to }),
    title ? turned(title, (axis.from + axis.to) / 2) : null);
}

const turned = (title, middle) => svg("text", {
  class: "title", transform: `translate(13 ${middle}) rotate(-90)`, "text-anchor": "middle",
}, title);

function pathOf(points) {
  let pen = "M";
  return points.map(([x, y]) => {
    if (!Number.isFinite(x) || !Number.isFinite(y)) { pen = "M"; return ""; }
    const step = `${pen}${x.toFixed(1)} ${y.toFixed(1)}`;
    pen = "L";
    return step;
  }).join("");
}

// One mark per kind of point; the shape says what the colour says.
function markAt(shape, x, y, size, attributes) {
  const s = size;
  const [left, right, top, bottom] = [x - s, x + s, y - s, y + s];
  if (shape === "circle") return svg("circle", { cx: x, cy: y, r: s, ...attributes });
  const d = {
    square: `M${left} ${top}H${right}V${bottom}H${left}Z`,
    diamond: `M${x} ${top}L${right} ${y}L${x} ${bottom}L${left} ${y}Z`,
    cross: `M${left} ${top}L${right} ${bottom}M${left} ${bottom}L${right} ${top}`,
    tick: `M${x} ${top}V${bottom}`,
    left: `M${left} ${y}L${right} ${top}V${bottom}Z`,
    right: `M${right} ${y}L${left} ${top}V${bottom}Z`,
  }[shape];
  return svg("path", { d, ...attributes });
}
