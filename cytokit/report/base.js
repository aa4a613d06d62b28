// What every part of the plate page uses: signs, the chosen plate and analyte.
const MARKS = {
  in_range: "●", below_lloq: "▿", above_uloq: "▵", oor_low: "<", oor_high: ">",
  no_curve: "∅", not_measured: "–", excluded: "×",
  good: "✓", usable: "○", poor: "▲", failed: "✕", fail: "✕", warn: "▲", info: "i",
};

function chip(key, text) {
  return el("span", { class: `chip ${key}` },
    el("span", { class: "mark", "aria-hidden": "true" }, MARKS[key] || ""), text);
}

const state = { plate: 0, analyte: 0, logX: true, logY: true };
const listeners = [];
const plate = () => DATA.plates[state.plate];
const statusKey = (position) => (position < 0 ? "not_measured" : DATA.statuses[position][0]);
const titleOf = (key) => DATA.statuses.find((status) => status[0] === key)[1];
const statusTitle = (position) => (position < 0 ? "not measured" : DATA.statuses[position][1]);

function onChange(listener) {
  listeners.push(listener);
}

function change(update) {
  Object.assign(state, update);
  for (const listener of listeners) listener(Object.keys(update));
}

// A concentration as it may be reported: a number, or the bound with its sign.
function concentrationText(row) {
  const key = statusKey(row.status);
  if (key === "oor_low") return `<${number(row.limits[0])}`;
  if (key === "oor_high") return `>${number(row.limits[1])}`;
  return number(row.value);
}

function interval(low, high) {
  if (low === null && high === null) return "–";
  if (low === null) return `up to ${number(high)}`;
  return high === null ? `${number(low)} and more` : `${number(low)} to ${number(high)}`;
}
