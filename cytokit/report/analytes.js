// The analyte table; the chosen analyte's curve, standards and findings; all curves at a glance.
let drawn = null;
let pointed = -1;

function analyteBody() {
  return document.querySelector(`#analyte-table tbody[data-plate="${state.plate}"]`);
}

function chooseAnalyte(position, bySelf) {
  change({ analyte: position });
  if (bySelf) say(`${plate().analytes[position]} chosen`);
}

function filterAnalytes() {
  const text = $("analyte-search").value.trim().toLowerCase();
  const verdict = $("analyte-verdict").value;
  let shown = 0;
  for (const row of analyteBody().rows) {
    const fits = row.cells[0].textContent.toLowerCase().includes(text)
      && (!verdict || row.dataset.verdict === verdict);
    row.hidden = !fits;
    shown += fits;
  }
  $("analyte-count").textContent = `${shown} of ${plural(plate().analytes.length, "analyte")}`;
}

function markAnalyte() {
  for (const body of document.querySelectorAll("#analyte-table tbody")) {
    body.hidden = Number(body.dataset.plate) !== state.plate;
  }
  for (const row of analyteBody().rows) {
    const chosen = Number(row.dataset.analyte) === state.analyte;
    row.classList.toggle("chosen", chosen);
    row.querySelector("button").setAttribute("aria-pressed", String(chosen));
  }
  filterAnalytes();
}

function pointLines(point) {
  const unit = plate().units[state.analyte];
  const beads = plate().readings[state.analyte].bead_count[point.slot];
  const head = `${point.well} ${point.name}`;
  const signal = `MFI ${number(point.y)}${beads === null ? "" : `, ${whole(beads)} beads`}`;
  if (point.kind === "sample" || point.kind === "control") {
    const title = titleOf(point.status);
    return [head, signal, point.x === null ? title : `${number(point.value)} ${unit} (${title})`];
  }
  if (point.blank) return [head, "blank", signal];
  const back = point.recovery === null ? "reads outside the curve"
    : `reads ${number(point.back)}, recovery ${percent(point.recovery)}`;
  const use = { unused: "not used", down: `weight ${number(point.weight)}`, standard: "" }[point.kind];
  const weight = [use, point.reason].filter(Boolean).join(": ");
  return [head, `level ${number(point.x)} ${unit}`, signal, back, weight].filter(Boolean);
}

function pointAt(index, voice) {
  drawn.points[pointed]?.node.classList.remove("pointed");
  pointed = index;
  const tip = $("tip");
  tip.hidden = index < 0;
  if (index < 0) return;
  const point = drawn.points[index];
  point.node.classList.add("pointed");
  const lines = pointLines(point);
  show(tip, lines.map((line, i) => el(i ? "div" : "strong", {}, line)));
  const zoom = drawn.image.clientWidth / drawn.width;
  const right = point.px > drawn.width / 2;
  tip.style.top = `${point.py * zoom + 12}px`;
  tip.style.left = right ? "auto" : `${point.px * zoom + 12}px`;
  tip.style.right = right ? `${(drawn.width - point.px) * zoom + 12}px` : "auto";
  if (voice) say(lines.join(", "));
}

function nearest(event) {
  const box = drawn.image.getBoundingClientRect();
  const zoom = box.width / drawn.width;
  const [x, y] = [(event.clientX - box.left) / zoom, (event.clientY - box.top) / zoom];
  let best = [-1, 26];
  drawn.points.forEach((point, index) => {
    const distance = Math.hypot(point.px - x, point.py - y);
    if (distance < best[1]) best = [index, distance];
  });
  return best[0];
}

function walkPoints(event) {
  const order = drawn.points.map((_, index) => index)
    .sort((one, two) => drawn.points[one].px - drawn.points[two].px || one - two);
  const here = order.indexOf(pointed);
  const last = order.length - 1;
  const steps = { ArrowRight: here + 1, ArrowLeft: here < 0 ? last : here - 1, Home: 0, End: last };
  if (event.key in steps && order.length) {
    pointAt(order[(steps[event.key] + order.length) % order.length], true);
  } else if (event.key === "Enter" && pointed >= 0) askAbout(drawn.points[pointed].slot);
  else if (event.key === "Escape") pointAt(-1);
  else return;
  event.preventDefault();
}

function drawDetail() {
  const curve = plate().curves[state.analyte];
  const name = plate().analytes[state.analyte];
  const unit = plate().units[state.analyte];
  $("detail-name").textContent = name;
  const [verdict, meaning] = curve ? DATA.verdicts[curve.verdict] : ["", "No curve was fitted."];
  show($("detail-verdict"), curve ? chip(curve.verdict, verdict) : null,
    el("span", {}, curve && curve.reason ? curve.reason : meaning));
  const drawable = curve && curve.wells.some((row) => known(row[2]));
  for (const id of ["curve-host", "curve-tools", "curve-legend"]) $(id).hidden = !drawable;
  pointed = -1;
  $("tip").hidden = true;
  if (drawable) {
    drawn = drawCurve($("curve-svg"), curve, plate().readings[state.analyte], name, unit);
    connect(drawn.image);
  }
  show($("curve-numbers"), curve && curve.y ? curveNumbers(curve, unit) : null);
  show($("standards-host"), curve && curve.levels.length ? standardsTable(curve, name, unit)
    : el("p", { class: "quiet" }, "The plate holds no standards for this analyte."));
  show($("detail-flags"), flagCards(flagsOf(state.analyte), true));
}

function connect(image) {
  image.addEventListener("pointermove", (event) => pointAt(nearest(event)));
  image.addEventListener("pointerleave", () => pointAt(-1));
  image.addEventListener("click", (event) => {
    const index = nearest(event);
    if (index >= 0) askAbout(drawn.points[index].slot);
  });
  image.addEventListener("keydown", walkPoints);
  image.addEventListener("blur", () => pointAt(-1));
}

function curveNumbers(curve, unit) {
  const stated = unit ? ` ${unit}` : "";
  const range = (low, high) => `${number(low)} to ${number(high)}${stated}`;
  const shape = ["lower", "upper", "inflection", "slope", "asymmetry"]
    .map((name) => `${name} ${number(curve[name])}`);
  const pairs = [
    ["Quantifiable (precision)", range(curve.lloq, curve.uloq)],
    ["Quantifiable (recovery)", range(curve.lloq_recovery, curve.uloq_recovery)],
    ["LOD", `${number(curve.lod)}${stated}`],
    ["Levels that recover", `${curve.passed[0]} of ${curve.passed[1]}`],
    ["Equation", `${curve.model}, ${shape.join(", ")}`],
    ["R²", known(curve.r2) ? curve.r2.toFixed(4) : "–"],
  ];
  return el("dl", { class: "facts" }, facts(pairs));
}

function standardsTable(curve, name, unit) {
  const at = (index) => (row) => row[index];
  const recovery = (row) => {
    if (!known(row[6])) return "–";
    return recovers(curve, row) ? percent(row[6])
      : el("span", { class: "off" }, `${row[6] < 100 ? "▼" : "▲"} ${percent(row[6])}`);
  };
  const use = (row) => `${row[7] ? "yes" : "no"}${row[8] ? `; ${row[8]}` : ""}`;
  return sortable(makeTable(`Standards of ${name}${unit ? ` in ${unit}` : ""}`, [
    ["Level", at(0)],
    ["Expected", (row) => number(row[1]), at(1), "num"],
    ["Wells", (row) => whole(row[2]), at(2), "num"],
    ["MFI", (row) => number(row[3]), at(3), "num"],
    ["CV", (row) => percent(row[4]), at(4), "num"],
    ["Reads", (row) => number(row[5]), at(5), "num"],
    ["Recovery", recovery, at(6), "num"],
    ["Used", use],
  ], curve.levels));
}

function drawOverview() {
  const order = plate().analytes.map((_, index) => index);
  show($("overview"), order.map((index) => {
    const curve = plate().curves[index];
    const name = plate().analytes[index];
    const press = () => {
      chooseAnalyte(index, true);
      $("detail").scrollIntoView({ block: "start" });
    };
    const mark = curve ? chip(curve.verdict, DATA.verdicts[curve.verdict][0]) : null;
    return el("button", { type: "button", class: "thumb", onclick: press },
      el("span", { class: "thumb-name" }, el("span", {}, name), mark),
      curve && curve.levels.length ? smallCurve(curve)
        : el("span", { class: "quiet" }, "no standards"));
  }));
}
