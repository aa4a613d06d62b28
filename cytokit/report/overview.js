// The page of many plates: sort, find, choose by verdict.
function filterPlates() {
  const wanted = $("plate-search").value.trim().toLowerCase();
  const verdict = $("plate-verdict").value;
  let count = 0;
  for (const row of $("plate-table").tBodies[0].rows) {
    const fits = (!verdict || row.dataset.verdict === verdict)
      && (!wanted || row.textContent.toLowerCase().includes(wanted));
    row.hidden = !fits;
    count += fits ? 1 : 0;
  }
  $("plate-count").textContent = `${plural(count, "plate")} shown`;
}

begin();
sortable($("plate-table"));
sortable($("analyte-table"));
for (const id of ["plate-search", "plate-verdict"]) $(id).addEventListener("input", filterPlates);
filterPlates();
