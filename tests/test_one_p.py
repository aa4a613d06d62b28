"""The p-values and stars of figures, tables, page and workbook are those of one object."""

from __future__ import annotations

import re
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from cytokit.curves.platefit import fit
from cytokit.report.tables import read_table
from cytokit.simulate.trials import simulate_trial
from cytokit.trial.compare import compare
from cytokit.trial.comparison import Comparison
from cytokit.trial.study import Study


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    trial = simulate_trial(seed=2021)
    return compare(Study([fit(trial.plates)], trial.design), reference="control", gate=False)


@pytest.fixture(scope="module")
def folder(comparison: Comparison, tmp_path_factory: pytest.TempPathFactory) -> Path:
    goal = tmp_path_factory.mktemp("one_p") / "figure3"
    comparison.write(goal, style="lanzoni", label="both")
    return goal


def drawn(svg: Path) -> list[str]:
    """Texts of a figure that carry a p."""
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", svg.read_text(encoding="utf-8"))
    plain = [text.replace("&lt;", "<").replace("&gt;", ">").strip() for text in texts]
    return [text for text in plain if re.search(r"\bp [<=>] ?[0-9.]+$", text)]


def said(table: pd.DataFrame) -> list[str]:
    """Stars and label as the table gives them."""
    rows = zip(table["stars"], table["label"], strict=True)
    return sorted(f"{stars} {label}" for stars, label in rows)


def test_panels_carry_the_tables_stars_and_p(comparison: Comparison, folder: Path) -> None:
    shown = comparison.table[comparison.table["family"].isin(["F1", "F2", "F3"])]
    assert sorted(drawn(folder / "panels.svg")) == said(shown)


def test_the_forest_carries_the_tables_stars_and_p(comparison: Comparison, folder: Path) -> None:
    assert sorted(drawn(folder / "forest.svg")) == said(comparison.between)


def test_the_csv_and_the_workbook_are_the_table(comparison: Comparison, folder: Path) -> None:
    csv = read_table(folder / "comparisons.csv")
    sheet = openpyxl.load_workbook(folder / "results.xlsx")["Comparison"]
    rows = list(sheet.iter_rows(values_only=True))
    head = next(i for i, row in enumerate(rows) if "p_adjusted" in row)
    book = pd.DataFrame(rows[head + 1 :], columns=list(rows[head]))
    for name in ("p", "p_adjusted", "q_bh", "p_rank"):
        own = comparison.table[name].astype("float64").tolist()
        assert csv[name].astype("float64").tolist() == pytest.approx(own, rel=1e-15, nan_ok=True)
        cells = pd.to_numeric(book[name], errors="coerce").tolist()
        assert cells == pytest.approx(own, rel=1e-14, nan_ok=True)
    for name in ("stars", "label"):
        own_texts = comparison.table[name].fillna("").tolist()
        assert csv[name].fillna("").tolist() == own_texts
        assert book[name].fillna("").tolist() == own_texts


def test_the_page_shows_the_tables_stars_in_order(comparison: Comparison, folder: Path) -> None:
    page = (folder / "report.html").read_text(encoding="utf-8")
    body = page[page.index("<tbody") : page.index("</tbody>")]
    rows = re.findall(r"<tr.*?</tr>", body, flags=re.DOTALL)
    cells = [
        [
            re.sub(r"<[^>]+>", "", cell).strip()
            for cell in re.findall(r"<td.*?</td>", row, re.DOTALL)
        ]
        for row in rows
    ]
    found = [next((c for c in row if re.fullmatch(r"\*{1,4}|ns", c)), "") for row in cells]
    assert found == comparison.table["stars"].fillna("").tolist()
