// The analyte table, the chosen analyte's curve, standards and findings, and all curves at a glance.
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
    const text = point.x === null ? statusTitle(DATA.statuses.findIndex((s) => s[0] === point.status))
      : `${number(point.value)} ${unit} (${statusTitle(DATA.statuses.findIndex((s) => s[0] === point.status))})`;
    return [head, signal, text];
  }
  if (point.blank) return [head, "blank", signal];
  const back = point.recovery === null ? "reads outside the curve"
    : `reads ${number(point.back)}, recovery ${percent(point.recovery)}`;
  const weight = point.kind === "unused" ? `not used${point.reason ? `: ${point.reason}` : ""}`
    : point.kind === "down" ? `weight ${number(point.weight)}${point.reason ? `: ${point.reason}` : ""}` : "";
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
  const steps = { ArrowRight: here + 1, ArrowLeft: here < 0 ? order.length - 1 : here - 1, Home: 0, End: order.length - 1 };
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
  show($("detail-verdict"), curve ? chip(curve.verdict, DATA.verdicts[curve.verdict][0]) : null,
    el("span", {}, curve ? curve.reason || DATA.verdicts[curve.verdict][1] : "No standard curve was fitted."));
  $("curve-host").hidden = !curve;
  $("curve-tools").hidden = !curve;
  pointed = -1;
  $("tip").hidden = true;
  if (curve) drawn = drawCurve($("curve-svg"), curve, plate().readings[state.analyte], name, unit);
  if (curve) connect(drawn.image);
  show($("curve-numbers"), curve ? curveNumbers(curve, unit) : null);
  show($("standards-host"), curve && curve.levels.length ? standardsTable(curve, name, unit) : null);
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
  const pairs = [
    ["Quantifiable (precision)", range(curve.lloq, curve.uloq)],
    ["Quantifiable (recovery)", range(curve.lloq_recovery, curve.uloq_recovery)],
    ["LOD", `${number(curve.lod)}${stated}`],
    ["Levels that recover", `${curve.passed[0]} of ${curve.passed[1]}`],
    ["Equation", `${curve.model}, lower ${number(curve.lower)}, upper ${number(curve.upper)}, midpoint ` +
      `${number(curve.inflection)}, slope ${number(curve.slope)}, asymmetry ${number(curve.asymmetry)}`],
    ["R²", known(curve.r2) ? curve.r2.toFixed(4) : "–"],
  ];
  return el("dl", { class: "facts" }, pairs.map(([term, text]) => el("div", {}, el("dt", {}, term), el("dd", {}, text))));
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
    const press = () => { chooseAnalyte(index, true); $("detail").scrollIntoView({ block: "start" }); };
    return el("button", { type: "button", class: "thumb", onclick: press, data: { verdict: curve ? curve.verdict : "" } },
      el("span", { class: "thumb-name" }, el("span", {}, name), curve ? chip(curve.verdict, DATA.verdicts[curve.verdict][0]) : null),
      curve ? smallCurve(curve) : el("span", { class: "quiet" }, "no curve"));
  }));
}
