// Findings, gathered by what they mean.
function flagsOf(analyte) {
  return plate().flags.filter((flag) => flag[2] === analyte || (flag[2] < 0 && analyte < 0));
}

const where = (flag, inside) => [
  inside || flag[2] < 0 ? "" : plate().analytes[flag[2]],
  flag[0] ? `well ${flag[0]}` : "", flag[1],
].filter(Boolean).join(", ");

function flagCards(flags, inside) {
  if (!flags.length) return el("p", { class: "quiet" }, "No findings.");
  const groups = new Map();
  for (const flag of flags) {
    const key = `${flag[4]} ${flag[3]}`;
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(flag);
  }
  const sorted = [...groups.values()].sort((one, two) =>
    one[0][4] - two[0][4] || two.length - one.length);
  return sorted.map((group) => flagCard(group, inside));
}

function flagCard(group, inside) {
  const [, title, meaning, action] = DATA.codes[group[0][3]];
  const [severity, word] = DATA.severities[group[0][4]];
  const most = 200;
  const rows = group.slice(0, most).map((flag) => {
    const place = where(flag, inside);
    return el("li", {}, place ? el("strong", {}, `${place}: `) : null, flag[5]);
  });
  if (group.length > most) {
    rows.push(el("li", { class: "quiet" }, `and ${group.length - most} more, all in flags.csv`));
  }
  return el("details", { class: "flag", open: group.length <= 3 },
    el("summary", {}, chip(severity, word), el("strong", {}, title),
      el("span", { class: "quiet" }, ` × ${group.length}`)),
    el("p", {}, meaning), el("p", {}, el("strong", {}, "What to do: "), action), el("ul", {}, rows));
}

function drawFlags() {
  show($("flags-host"), flagCards(plate().flags, false));
}
