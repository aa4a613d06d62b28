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
  const most = 7;
  return ticks.length > most ? ticks.filter((_, i) => i % Math.ceil(ticks.length / most) === 0) : ticks;
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

const ticksOf = (axis) => (axis.log ? logTicks(axis.low, axis.high) : linearTicks(axis.low, axis.high));

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
    title ? svg("text", { class: "title", x: middle, y: y + 33, "text-anchor": "middle" }, title) : null);
}

function leftAxis(axis, x, title, upTo) {
  const marks = ticksOf(axis).map((tick) => svg("g", {},
    svg("line", { class: "grid", x1: x, x2: upTo, y1: axis(tick), y2: axis(tick) }),
    svg("text", { x: x - 6, y: axis(tick) + 4, "text-anchor": "end" }, tickText(tick))));
  const middle = (axis.from + axis.to) / 2;
  const turned = { class: "title", transform: `translate(13 ${middle}) rotate(-90)`, "text-anchor": "middle" };
  return svg("g", { class: "axis" }, marks,
    svg("line", { class: "rule", x1: x, x2: x, y1: axis.from, y2: axis.to }),
    title ? svg("text", turned, title) : null);
}

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
  const shapes = {
    circle: () => svg("circle", { cx: x, cy: y, r: s, ...attributes }),
    square: () => svg("rect", { x: x - s, y: y - s, width: 2 * s, height: 2 * s, ...attributes }),
    diamond: () => svg("path", { d: `M${x} ${y - s}L${x + s} ${y}L${x} ${y + s}L${x - s} ${y}Z`, ...attributes }),
    cross: () => svg("path", { d: `M${x - s} ${y - s}L${x + s} ${y + s}M${x - s} ${y + s}L${x + s} ${y - s}`, ...attributes }),
    tick: () => svg("path", { d: `M${x} ${y - s}V${y + s}`, ...attributes }),
    left: () => svg("path", { d: `M${x - s} ${y}L${x + s} ${y - s}V${y + s}Z`, ...attributes }),
    right: () => svg("path", { d: `M${x + s} ${y}L${x - s} ${y - s}V${y + s}Z`, ...attributes }),
  };
  return shapes[shape]();
}
