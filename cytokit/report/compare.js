// The comparison page: sort and narrow the table of results.
function filterResults() {
  const text = $("result-search").value.trim().toLowerCase();
  const contrast = $("result-contrast").value;
  const rows = [...$("result-table").tBodies[0].rows];
  let shown = 0;
  for (const row of rows) {
    const fits = row.cells[0].textContent.toLowerCase().includes(text)
      && (!contrast || row.dataset.contrast === contrast);
    row.hidden = !fits;
    shown += fits;
  }
  $("result-count").textContent = `${shown} of ${plural(rows.length, "row")}`;
}

begin();
for (const table of document.querySelectorAll("#result-table, table.sorts")) sortable(table);
$("result-search").addEventListener("input", filterResults);
$("result-contrast").addEventListener("input", filterResults);
filterResults();
