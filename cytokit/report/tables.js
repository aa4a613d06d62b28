// Tables that sort by a click or a key on their headers.
function cellValue(row, column) {
  const cell = row.cells[column];
  const given = cell.dataset.v;
  if (given === undefined) return cell.textContent.trim().toLowerCase();
  return given === "" ? null : Number(given);
}

function compare(first, second) {
  if (first === null || second === null) return (first === null) - (second === null);
  if (typeof first === "number" && typeof second === "number") return first - second;
  return String(first).localeCompare(String(second), "en", { numeric: true });
}

function sortBy(table, column, descending) {
  const rows = [...table.tBodies].find((body) => !body.hidden);
  const turned = descending ? -1 : 1;
  const sorted = [...rows.rows].map((row, index) => [cellValue(row, column), index, row]);
  sorted.sort((one, two) => {
    if (one[0] === null || two[0] === null) return compare(one[0], two[0]);
    return turned * compare(one[0], two[0]) || one[1] - two[1];
  });
  rows.append(...sorted.map((entry) => entry[2]));
}

function sortable(table) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const title = head.textContent;
    const arrow = el("span", { class: "arrow", "aria-hidden": "true" });
    const press = () => {
      const descending = head.getAttribute("aria-sort") === "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", descending ? "descending" : "ascending");
      sortBy(table, column, descending);
      say(`sorted by ${title}, ${descending ? "descending" : "ascending"}`);
    };
    const button = el("button", { type: "button", class: "sort", onclick: press }, title, arrow);
    head.replaceChildren(button);
  });
  return table;
}

// columns: [title, text or node of a row, sort value of a row (optional), class (optional)]
function makeTable(caption, columns, rows, rowAttributes) {
  const head = el("tr", {}, columns.map(([title, , , kind]) =>
    el("th", { scope: "col", class: kind }, title)));
  const body = rows.map((row) => el("tr", rowAttributes ? rowAttributes(row) : {},
    columns.map(([, text, value, kind], index) => {
      const given = value ? value(row) : undefined;
      const data = given === undefined ? {} : { v: known(given) ? given : "" };
      return el(index ? "td" : "th", { scope: index ? null : "row", class: kind, data }, text(row));
    })));
  return el("table", {}, el("caption", { class: "hidden-text" }, caption),
    el("thead", {}, head), el("tbody", {}, body));
}
