// The standard curve of one analyte: points, band, limits, samples, recovery.
const RECOVERY = [50, 150];

function standardPoints(curve, readings) {
  const { slots } = plate();
  // a well without an expected concentration has no place on the axis; the table lists it
  const read = curve.wells.filter((row) => known(row[1]) && known(row[2]));
  return read.map(([slot, expected, mfi, weight, used, reason]) => {
    const placed = slot >= 0;
    const back = placed ? readings.concentration[slot] : null;
    return {
      slot, x: expected, y: mfi, blank: expected === 0, reason,
      kind: !used ? "unused" : weight !== null && weight < 0.5 ? "down" : "standard",
      well: placed ? slots[slot][0] : "", name: placed ? slots[slot][1] : "", weight, back,
      recovery: back !== null && expected > 0 ? (100 * back) / expected : null,
    };
  });
}

function samplePoints(readings) {
  const types = DATA.types;
  return plate().slots.flatMap(([well, name, type, dilution], slot) => {
    if (types[type] === "standard" || types[type] === "blank") return [];
    const y = readings.mfi[slot];
    if (y === null) return [];
    const value = readings.concentration[slot];
    const key = statusKey(readings.status[slot]);
    return [{
      slot, well, name, y, status: key, value,
      x: known(value) ? value / (dilution || 1) : null,
      kind: types[type] === "control" ? "control" : "sample",
    }];
  });
}

// Whether a level recovers as the profile asks; its two ends may be given more.
function recovers(curve, level) {
  const ends = curve.levels.filter((one) => one[1] > 0).map((one) => one[1]);
  const end = level[1] === Math.min(...ends) || level[1] === Math.max(...ends);
  return Math.abs(level[6] - 100) <= DATA.accept[end ? 1 : 0] + 1e-9;
}

function domains(curve, points, linear) {
  const levels = curve.levels.map((level) => level[1]).filter((value) => value > 0);
  const top = levels.length ? Math.max(...levels) : 1;
  const ends = curve.ends || [levels.length ? Math.min(...levels) / 4 : 0.1, top * 4];
  const heights = points.map((point) => point.y).filter((value) => value > 0);
  const low = heights.length ? Math.min(...heights) : 1;
  const high = heights.length ? Math.max(...heights) : 10;
  return {
    x: linear.x ? [-0.02 * top, top * 1.08] : ends,
    y: linear.y ? [0, high * 1.06] : [low * 0.6, high * 1.7],
  };
}

function gridX(curve) {
  const [low, high] = curve.ends.map(Math.log);
  return curve.y.map((_, index) => Math.exp(low + ((high - low) * index) / (curve.y.length - 1)));
}

function curveLines(curve, X, Y) {
  if (!curve.y) return [];
  const inside = (value) => Math.min(Math.max(value, Y.low), Y.high);
  const xs = gridX(curve);
  const both = (values) => xs.map((x, i) => [x, values[i]])
    .filter(([x, y]) => known(y) && x <= X.high).map(([x, y]) => [X(x), Y(inside(y))]);
  const band = [...both(curve.low), ...both(curve.high).reverse()];
  return [
    svg("path", { class: "band", d: `${pathOf(band)}Z` }),
    svg("path", { class: "fit", d: pathOf(both(curve.y)) }),
  ];
}

function limitLines(curve, X, Y, labels) {
  return [["lod", "LOD"], ["lloq", "LLOQ"], ["uloq", "ULOQ"]].flatMap(([key, title]) => {
    const value = curve[key];
    if (!known(value) || value < X.low || value > X.high) return [];
    const x = X(value);
    const before = key !== "lloq";
    return [
      svg("line", { class: `limit ${key}`, x1: x, x2: x, y1: Y.from, y2: Y.to }),
      labels ? svg("text", {
        class: "limit-name", x: x + (before ? -4 : 4), y: Y.to + 11,
        "text-anchor": before ? "end" : "start",
      }, title) : null,
    ];
  });
}

function placePoints(points, X, Y, area) {
  for (const point of points) {
    point.py = Y(Math.min(Math.max(point.y, Y.low), Y.high));
    if (point.blank) point.px = X.log ? area.left + 14 : X(0);
    else if (point.x !== null) point.px = X(Math.min(Math.max(point.x, X.low), X.high));
    else point.px = point.status === "oor_high" ? X.to - 4 : X.from + 4;
    if (point.kind === "sample") point.py = area.bottom - 7;
  }
  return points;
}

function pointMark(point) {
  const gone = isExcluded(point.well, plate().analytes[state.analyte]);
  const classes = `point ${point.kind} ${point.status || ""}${gone ? " gone" : ""}`;
  const shape = point.kind === "control" ? "square" : point.kind === "unused" || gone ? "cross"
    : point.kind !== "sample" ? "circle"
      : point.status === "oor_low" ? "left" : point.status === "oor_high" ? "right" : "tick";
  return markAt(shape, point.px, point.py, point.kind === "sample" ? 5 : 4.5, { class: classes });
}

function levelMarks(curve, X, Y) {
  return curve.levels.filter((level) => level[1] > 0 && level[3] !== null && level[3] > 0)
    .map((level) => markAt("diamond", X(level[1]), Y(level[3]), 7, { class: "level" }));
}

function recoveryStrip(curve, X, area) {
  const wide = DATA.accept[0];
  const R = scale(RECOVERY[0], RECOVERY[1], false, area.bottom, area.top);
  const marks = curve.levels.filter((level) => level[1] > 0 && known(level[6])).map((level) => {
    const value = Math.min(Math.max(level[6], RECOVERY[0]), RECOVERY[1]);
    const good = recovers(curve, level);
    const shape = good ? "circle" : "diamond";
    const classes = good ? "recovery" : "recovery off";
    return markAt(shape, X(level[1]), R(value), good ? 4 : 5.5, { class: classes });
  });
  return svg("g", {},
    svg("rect", {
      class: "accepted", x: X.from, width: X.to - X.from,
      y: R(100 + wide), height: R(100 - wide) - R(100 + wide),
    }),
    svg("line", { class: "hundred", x1: X.from, x2: X.to, y1: R(100), y2: R(100) }),
    [50, 100 - wide, 100, 100 + wide, 150].map((tick) =>
      svg("text", { x: X.from - 6, y: R(tick) + 4, "text-anchor": "end" }, String(tick))),
    turned("recovery %", R(100)),
    marks);
}

function curveSummary(name, curve, unit) {
  const limits = known(curve.lloq) || known(curve.uloq)
    ? `quantifiable from ${number(curve.lloq)} to ${number(curve.uloq)} ${unit}`
    : "no quantifiable range";
  return `Standard curve of ${name}: ${DATA.verdicts[curve.verdict][0]}, ${curve.passed[0]} of ` +
    `${curve.passed[1]} levels recover, ${limits}. The same numbers stand in the table of standards.`;
}

// The large drawing; returns the points it placed, for the pointer and the keyboard.
function drawCurve(host, curve, readings, name, unit) {
  const width = Math.min(Math.max(host.clientWidth || 640, 300), 900);
  const height = Math.round(Math.min(440, Math.max(300, width * 0.62)));
  const strip = 92;
  const area = { left: 58, right: width - 12, top: 12, bottom: height - 30 };
  const points = [...samplePoints(readings), ...standardPoints(curve, readings)];
  const domain = domains(curve, points, { x: !state.logX, y: !state.logY });
  const X = scale(...domain.x, state.logX, area.left + (state.logX ? 28 : 0), area.right);
  const Y = scale(...domain.y, state.logY, area.bottom, area.top);
  const base = { top: height + 6, bottom: height + strip - 8 };
  placePoints(points, X, Y, area);
  const image = svg("svg", {
    viewBox: `0 0 ${width} ${height + strip + 34}`, class: "curve", tabindex: 0, role: "img",
    "aria-label": curveSummary(name, curve, unit), "aria-describedby": "curve-help",
  },
  leftAxis(Y, area.left, "MFI", area.right), bottomAxis(X, area.bottom, "", area.top),
  state.logX ? svg("text", {
    class: "axis-note", x: area.left + 14, y: area.bottom + 16, "text-anchor": "middle",
  }, "blank") : null,
  curveLines(curve, X, Y), limitLines(curve, X, Y, true), levelMarks(curve, X, Y),
  points.map((point) => { point.node = pointMark(point); return point.node; }),
  recoveryStrip(curve, X, base),
  bottomAxis(X, base.bottom, `concentration at the bead${unit ? ` (${unit})` : ""}`, base.top));
  show(host, image);
  return { image, points: points.filter((point) => point.slot >= 0), width };
}

// The small drawing of the overview and of the print.
function smallCurve(curve) {
  const area = { left: 30, right: 214, top: 6, bottom: 128 };
  const points = curve.wells.filter((row) => known(row[2]))
    .map(([, x, y, weight, used]) => ({ x, y, weight, used }));
  const domain = domains(curve, points, { x: false, y: false });
  const X = scale(...domain.x, true, area.left, area.right);
  const Y = scale(...domain.y, true, area.bottom, area.top);
  const marks = points.filter((point) => point.x > 0 && point.y > 0).map((point) =>
    markAt(point.used ? "circle" : "cross", X(point.x), Y(point.y), 2.6,
      { class: `point ${!point.used ? "unused" : point.weight < 0.5 ? "down" : "standard"}` }));
  return svg("svg", { viewBox: "0 0 220 148", class: "curve small", "aria-hidden": "true" },
    leftAxis(Y, area.left, "", area.right), bottomAxis(X, area.bottom, "", area.top),
    curveLines(curve, X, Y), limitLines(curve, X, Y, false), marks);
}
