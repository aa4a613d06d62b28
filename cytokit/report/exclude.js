// Leaving a well out: asked for with a reason and a name, shown, and saved for `fit --exclude`.
const exclusions = DATA.exclusions.map(([name, well, analyte, reason, who]) =>
  ({ plate: name, well, analyte, reason, who, applied: true }));
let asked = null;
let unsaved = false;
let lastWho = "";
let before = null;

// An empty plate, well or analyte in the file means every one.
const concerns = (entry, well, analyte) => (entry.plate === "" || entry.plate === plate().name)
  && (entry.well === "" || entry.well === well)
  && (entry.analyte === "" || entry.analyte === analyte);

function isExcluded(well, analyte) {
  return well !== "" && exclusions.some((entry) => concerns(entry, well, analyte));
}

function askAbout(slot) {
  const [well, name, type] = plate().slots[slot];
  const analyte = plate().analytes[state.analyte];
  const reading = plate().readings[state.analyte];
  const unit = plate().units[state.analyte];
  asked = well;
  before = document.activeElement;
  $("ask-title").textContent = `Well ${well}: ${name}`;
  show($("ask-facts"), facts([
    ["Type", DATA.types[type]],
    [`MFI of ${analyte}`, number(reading.mfi[slot])],
    ["Beads", whole(reading.bead_count[slot])],
    ["Concentration", `${number(reading.concentration[slot])} ${unit}`.trim()],
    ["Status", statusTitle(reading.status[slot])],
  ]));
  $("ask-analyte").textContent = `only ${analyte}`;
  const already = exclusions.filter((entry) => concerns(entry, well, analyte));
  show($("ask-already"), already.map((entry) => {
    const press = () => {
      takeBack(entry);
      $("ask").close();
    };
    return el("p", {}, `Excluded: ${entry.reason} (${entry.who}) `,
      el("button", { type: "button", onclick: press }, "Take it back"));
  }));
  $("ask-form").hidden = already.length > 0;
  $("ask-apply").hidden = already.length > 0;
  $("ask-reason").value = "";
  $("ask-who").value = lastWho;
  $("ask-wrong").textContent = "";
  $("ask").showModal();
  if (!already.length) $("ask-reason").focus();
}

function exclude() {
  const reason = $("ask-reason").value.trim();
  const who = $("ask-who").value.trim();
  const needed = [[reason, "ask-reason", "Say why."], [who, "ask-who", "Say who decides this."]];
  for (const [value, field, text] of needed) {
    $(field).setAttribute("aria-invalid", String(!value));
    if (!value) {
      $("ask-wrong").textContent = text;
      $(field).focus();
      return;
    }
  }
  const analyte = $("ask-one").checked ? plate().analytes[state.analyte] : "";
  exclusions.push({ plate: plate().name, well: asked, analyte, reason, who, applied: false });
  lastWho = who;
  unsaved = true;
  $("ask").close();
  change({});
  say(`well ${asked} excluded; save the exclusions file to keep it`);
}

function takeBack(entry) {
  exclusions.splice(exclusions.indexOf(entry), 1);
  unsaved = true;
  change({});
  say(`well ${entry.well} taken back`);
}

// As cytokit.cell_text has it: whether a spreadsheet would calculate the text.
function calculates(text) {
  if (text.length < 2) return false;
  if (/^[=\uff1d\t\r\n]/.test(text)) return true;
  if (!/^[+\-@\uff0b\uff0d\uff20]/.test(text)) return false;
  if (/^[+-][ .,]?[0-9][0-9 .,]*(?:[eE][+-]?[0-9]{1,3})?%?$/.test(text)) return false;
  const rest = text.slice(1);
  return /[-+*/^&=<>()|!'"%;:{}[\]#$]/.test(rest) || /[A-Za-z]\$?[0-9]/.test(rest)
    || ["true", "false"].includes(rest.trim().toLowerCase());
}

// As cytokit.report.tables writes: one apostrophe before what a spreadsheet would calculate.
function csvCell(text) {
  const guarded = /^'+[=+\-@\uff1d\uff0b\uff0d\uff20\t\r\n][^]/.test(text);
  const safe = calculates(text) || guarded ? `'${text}` : text;
  return /[,"\r\n]|^\s|\s$/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

function exclusionsCsv() {
  const columns = ["plate", "well", "analyte", "reason", "who"];
  const lines = exclusions.map((entry) => columns.map((name) => csvCell(entry[name])).join(","));
  return [columns.join(","), ...lines].join("\n") + "\n";
}

function saveExclusions() {
  const address = URL.createObjectURL(new Blob([exclusionsCsv()], { type: "text/csv" }));
  const link = el("a", { href: address, download: "exclusions.csv" });
  document.body.append(link);
  link.click();
  link.remove();
  window.setTimeout(() => URL.revokeObjectURL(address), 1000);
  unsaved = false;
  drawExclusions();
  say("exclusions.csv saved");
}

// One word of a command, for sh, PowerShell and cmd alike where its letters allow.
function quoted(word) {
  if (/^[\w./:\\-]+$/.test(word)) return word;
  return /["$`!]/.test(word) ? `'${word.replaceAll("'", "'\\''")}'` : `"${word}"`;
}

function drawExclusions() {
  const rows = exclusions.map((entry) => ({ ...entry, entry }));
  const columns = [
    ["Plate", (row) => row.plate || "all"], ["Well", (row) => row.well || "all"],
    ["Analyte", (row) => row.analyte || "all"], ["Reason", (row) => row.reason],
    ["Who", (row) => row.who],
    ["State", (row) => (row.applied ? "left out of this fit" : "new: fit again to apply")],
    ["", (row) => el("button", {
      type: "button", class: "no-print", "aria-label": `take back ${row.well} ${row.analyte}`,
      onclick: () => takeBack(row.entry),
    }, "Take back")],
  ];
  show($("exclusions-host"), rows.length ? makeTable("Exclusions", columns, rows) :
    el("p", { class: "quiet" }, "Nothing is excluded.", el("span", { class: "no-print" },
      " Click a well on the plate map or a point of a curve to leave it out.")));
  const changed = exclusions.some((entry) => !entry.applied)
    || exclusions.length !== DATA.exclusions.length;
  $("exclusions-save").hidden = !changed;
  $("exclusions-next").hidden = !changed;
  $("exclusions-command").textContent = DATA.refit.map(quoted).join(" ");
  $("exclusions-badge").textContent = exclusions.length ? String(exclusions.length) : "";
}
