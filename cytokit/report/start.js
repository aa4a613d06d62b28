// Wiring: controls, plates, print.
function drawPlate() {
  for (const node of document.querySelectorAll("[data-of-plate]")) {
    node.hidden = Number(node.dataset.ofPlate) !== state.plate;
  }
  if ($("plate")) $("plate").value = String(state.plate);
  for (const head of $("analyte-table").tHead.rows[0].cells) head.removeAttribute("aria-sort");
  statusChoices();
  drawOverview();
  drawFlags();
}

onChange((changed) => {
  if (changed.includes("plate")) {
    drawPlate();
    allRows = false;
  }
  markAnalyte();
  drawDetail();
  drawMap();
  drawSamples();
  drawExclusions();
});

function choosePlate(position) {
  const name = plate().analytes[state.analyte];
  const same = DATA.plates[position].analytes.indexOf(name);
  change({ plate: position, analyte: Math.max(same, 0) });
  say(`plate ${plate().name}`);
}

function worstAnalyte() {
  const order = ["failed", "poor", "usable", "good"];
  const ranks = plate().curves.map((curve) => (curve && curve.y ? order.indexOf(curve.verdict) : 9));
  return Math.max(ranks.indexOf(Math.min(...ranks)), 0);
}

function connectControls() {
  $("plate")?.addEventListener("change", (event) => choosePlate(Number(event.target.value)));
  for (const button of document.querySelectorAll("[data-go-plate]")) {
    button.addEventListener("click", () => choosePlate(Number(button.dataset.goPlate)));
  }
  $("analyte-search").addEventListener("input", filterAnalytes);
  $("analyte-verdict").addEventListener("change", filterAnalytes);
  for (const row of document.querySelectorAll("#analyte-table tbody tr")) {
    row.addEventListener("click", () => chooseAnalyte(Number(row.dataset.analyte), true));
  }
  for (const [id, key] of [["log-x", "logX"], ["log-y", "logY"]]) {
    $(id).addEventListener("change", () => change({ [key]: $(id).checked }));
  }
  $("map-view").addEventListener("change", drawMap);
  $("map-host").addEventListener("keydown", walkMap);
  for (const id of ["sample-search", "sample-scope", "sample-status"]) {
    $(id).addEventListener("input", drawSamples);
  }
  $("ask-apply").addEventListener("click", exclude);
  $("ask-cancel").addEventListener("click", () => $("ask").close());
  $("ask").addEventListener("close", () => before?.focus?.());
  for (const id of ["ask-reason", "ask-who"]) {
    $(id).addEventListener("keydown", (event) => { if (event.key === "Enter") exclude(); });
  }
  $("exclusions-save").addEventListener("click", saveExclusions);
  window.addEventListener("beforeunload", (event) => { if (unsaved) event.preventDefault(); });
  let width = window.innerWidth;
  window.addEventListener("resize", () => {
    if (window.innerWidth === width) return;
    width = window.innerWidth;
    drawDetail();
  });
}

begin();
sortable($("analyte-table"));
connectControls();
change({ plate: 0, analyte: worstAnalyte() });
