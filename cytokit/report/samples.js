// Samples: searched, narrowed to a status, for the chosen analyte or for all.
const FIRST_ROWS = 150;
let allRows = false;

function sampleRows() {
  const text = $("sample-search").value.trim().toLowerCase();
  const status = $("sample-status").value;
  const everywhere = $("sample-scope").value === "all";
  const rows = [];
  plate().samples.forEach((found, analyte) => {
    if (!everywhere && analyte !== state.analyte) return;
    for (const row of found) {
      const name = plate().names[row[0]];
      if (text && !name.toLowerCase().includes(text)) continue;
      if (status && statusKey(row[12]) !== status) continue;
      rows.push({
        analyte, sample: name, type: DATA.types[row[1]], wells: row[2], dilution: row[3],
        mfi: row[4], spread: row[5], value: row[6], low: row[7], high: row[8], cv: row[9],
        limits: [row[10], row[11]], status: row[12], flags: plate().flag_texts[row[13]],
      });
    }
  });
  return rows;
}

// Out of range sorts below or above all numbers.
function sortValue(row) {
  const key = statusKey(row.status);
  if (known(row.value)) return row.value;
  return key === "oor_low" ? -1 : key === "oor_high" ? 1e299 : null;
}

function flagTitles(codes) {
  if (!codes) return "";
  return codes.split(/[;,\s]+/).filter(Boolean)
    .map((code) => (DATA.codes.find((entry) => entry[0] === code) || [0, code])[1]).join("; ");
}

function drawSamples() {
  const rows = sampleRows();
  const everywhere = $("sample-scope").value === "all";
  const unit = plate().units[state.analyte];
  const stated = unit && !everywhere ? ` (${unit})` : "";
  const columns = [
    ["Sample", (row) => row.sample],
    everywhere ? ["Analyte", (row) => plate().analytes[row.analyte]] : null,
    ["Type", (row) => row.type],
    [`Concentration${stated}`, concentrationText, sortValue, "num strong"],
    ["Status", (row) => chip(statusKey(row.status), statusTitle(row.status))],
    ["95 % interval", (row) => interval(row.low, row.high), (row) => row.low, "num"],
    ["CV", (row) => percent(row.cv), (row) => row.cv, "num"],
    ["MFI", (row) => number(row.mfi), (row) => row.mfi, "num"],
    ["MFI CV", (row) => percent(row.spread), (row) => row.spread, "num"],
    ["Wells", (row) => whole(row.wells), (row) => row.wells, "num"],
    ["Dilution", (row) => number(row.dilution), (row) => row.dilution, "num"],
    ["Findings", (row) => flagTitles(row.flags)],
  ].filter(Boolean);
  const shown = allRows ? rows : rows.slice(0, FIRST_ROWS);
  const name = everywhere ? "all analytes" : plate().analytes[state.analyte];
  $("sample-count").textContent = `${plural(rows.length, "result")} for ${name}`;
  show($("samples-host"), rows.length ? sortable(makeTable(`Samples, ${name}`, columns, shown)) :
    el("p", { class: "quiet" }, "No sample fits."));
  const press = () => {
    allRows = true;
    drawSamples();
  };
  show($("samples-more"), shown.length < rows.length
    ? el("button", { type: "button", onclick: press }, `Show all ${rows.length}`) : null);
}

function statusChoices() {
  const used = new Set(plate().samples.flat().map((row) => row[12]));
  const choices = [...used].sort((one, two) => one - two).map((value) =>
    el("option", { value: statusKey(value) }, statusTitle(value)));
  show($("sample-status"), el("option", { value: "" }, "any status"), choices);
}
