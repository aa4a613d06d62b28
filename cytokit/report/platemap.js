// The plate as it lies on the bench: one button per well, arrow keys between them.
const letter = (row) => String.fromCharCode(65 + row);
const shape = () => (plate().size === 384 ? [16, 24] : [8, 12]);

function slotsByWell() {
  const found = new Map();
  plate().slots.forEach(([well], slot) => { if (!found.has(well)) found.set(well, slot); });
  return found;
}

const flagCount = (well, analyte) => plate().flags.filter((flag) =>
  flag[0] === well && (analyte < 0 || flag[2] === analyte)).length;

function lowestCount(slot) {
  const counts = plate().readings.map((reading) => reading.bead_count[slot]).filter(known);
  return counts.length ? Math.min(...counts) : null;
}

const count = (value) => (value ? String(value) : "");
const wellOf = (slot) => plate().slots[slot][0];

// What the map can show: the value of a slot, its text, and whether small is alarming.
const VIEWS = {
  mfi: { value: (slot, reading) => reading.mfi[slot], text: number, log: true },
  beads: { value: (slot, reading) => reading.bead_count[slot], text: whole },
  status: {
    value: (slot, reading) => reading.status[slot], text: (value) => MARKS[statusKey(value)], kind: true,
  },
  flags: { value: (slot) => flagCount(wellOf(slot), state.analyte), text: count, zero: true },
  beads_all: { value: (slot) => lowestCount(slot), text: whole },
  flags_all: { value: (slot) => flagCount(wellOf(slot), -1), text: count, zero: true },
  sample: { value: () => null, text: () => "", names: true },
};

function shades(values, view) {
  const place = view.log ? (value) => Math.log10(Math.max(value, 1)) : (value) => value;
  const found = values.filter(known).map(place);
  const low = view.zero ? 0 : Math.min(...found);
  const high = Math.max(...found);
  const flat = view.zero ? 0 : 0.5;
  return (value) => {
    if (!known(value)) return 0;
    return high > low ? (place(value) - low) / (high - low) : flat;
  };
}

function wellLabel(slot, value, view) {
  const [well, name, type] = plate().slots[slot];
  const shown = view.names ? "" : value === null ? "no reading"
    : view.kind ? statusTitle(value) : view.text(value);
  const gone = isExcluded(well, plate().analytes[state.analyte]) ? ", excluded" : "";
  return [well, name, DATA.types[type], shown].filter(Boolean).join(", ") + gone;
}

function wellText(value, view, name, gone) {
  if (gone) return "×";
  if (view.names) return name;
  const crowded = plate().size === 384 && !view.kind;
  return crowded || value === null ? "" : view.text(value);
}

function wellButton(slot, value, shade, view) {
  const [well, name, type] = plate().slots[slot];
  const gone = isExcluded(well, plate().analytes[state.analyte]);
  const flagged = flagCount(well, state.analyte) > 0;
  const classes = ["well", DATA.types[type], view.kind ? `status ${statusKey(value)}` : "",
    gone ? "gone" : "", flagged ? "flagged" : ""];
  const button = el("button", {
    type: "button", class: classes.filter(Boolean).join(" "), tabindex: -1, data: { well },
    title: wellLabel(slot, value, view), "aria-label": wellLabel(slot, value, view),
    onclick: () => askAbout(slot),
  }, wellText(value, view, name, gone));
  if (!view.kind && !view.names) button.style.setProperty("--v", shade.toFixed(3));
  return button;
}

function drawMap() {
  const view = VIEWS[$("map-view").value];
  const reading = plate().readings[state.analyte];
  const slots = slotsByWell();
  const values = new Map([...slots].map(([well, slot]) => [well, view.value(slot, reading)]));
  const shade = shades([...values.values()], view);
  const [rows, columns] = shape();
  const head = el("tr", {}, el("td", {}), Array.from({ length: columns }, (_, column) =>
    el("th", { scope: "col" }, String(column + 1))));
  const body = Array.from({ length: rows }, (_, row) => el("tr", {},
    el("th", { scope: "row" }, letter(row)),
    Array.from({ length: columns }, (__, column) => {
      const well = `${letter(row)}${column + 1}`;
      if (!slots.has(well)) {
        return el("td", {}, el("span", { class: "well none", title: `${well}, not read` }));
      }
      const value = values.get(well);
      return el("td", {}, wellButton(slots.get(well), value, shade(value), view));
    })));
  const title = $("map-view").selectedOptions[0].textContent;
  const whole = view === VIEWS.beads_all || view === VIEWS.flags_all || view.names;
  const classes = `plate-map size-${plate().size}${view.names ? " names" : ""}`;
  show($("map-host"), el("table", { class: classes },
    el("caption", {}, whole ? title : `${title}: ${plate().analytes[state.analyte]}`),
    el("thead", {}, head), el("tbody", {}, body)));
  const first = $("map-host").querySelector("button");
  if (first) first.tabIndex = 0;
  show($("map-key"), mapKey(view, [...values.values()].filter(known)));
}

function mapKey(view, values) {
  if (view.kind) {
    const seen = [...new Set(values)].sort((one, two) => one - two);
    return seen.map((value) => chip(statusKey(value), statusTitle(value)));
  }
  if (view.names || !values.length) return null;
  const bar = el("span", { class: "ramp", "aria-hidden": "true" });
  return el("span", { class: "ramp-key" }, view.zero ? "0" : view.text(Math.min(...values)), bar,
    view.text(Math.max(...values)) || "0", view.log ? " (log colours)" : "");
}

function walkMap(event) {
  const here = event.target.closest("button.well");
  const steps = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] };
  if (!here || !(event.key in steps)) return;
  event.preventDefault();
  const [down, right] = steps[event.key];
  const [rows, columns] = shape();
  let row = here.dataset.well.charCodeAt(0) - 65;
  let column = Number(here.dataset.well.slice(1)) - 1;
  for (;;) {
    row += down;
    column += right;
    if (row < 0 || column < 0 || row >= rows || column >= columns) return;
    const next = $("map-host").querySelector(`[data-well="${letter(row)}${column + 1}"]`);
    if (next) {
      here.tabIndex = -1;
      next.tabIndex = 0;
      next.focus();
      return;
    }
  }
}
