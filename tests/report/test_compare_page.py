"""The comparison page: the table's own p and stars, the guard, hostile names."""

from __future__ import annotations

import dataclasses
import html
import re

import pytest

from cytokit.errors import OutputError
from cytokit.report.comparison_page import (
    comparison_page,
    conclusion,
    paragraphs,
    write_compare_page,
)
from cytokit.schema import TABLES
from cytokit.trial.estimate import p_text

SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><text>IL-6 ***</text></svg>'


@pytest.fixture(scope="module")
def page(comparison):
    return comparison_page(comparison, {"Panels": SVG, "Forest": SVG})


def cells(page: str) -> list[list[str]]:
    """The rows of the table of results as text."""
    table = page[page.index('id="result-table"') :]
    body = table[table.index("<tbody>") : table.index("</tbody>")]
    found = re.findall(r"<tr.*?</tr>", body, re.DOTALL)
    texts = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in found]
    return [[html.unescape(re.sub(r"<[^>]+>", " ", cell)).strip() for cell in row] for row in texts]


def test_p_and_stars_are_the_tables(page, comparison):
    rows = cells(page)
    table = comparison.table
    assert [row[0] for row in rows] == table["analyte"].tolist()
    assert [row[5] for row in rows] == [p_text(float(p)) for p in table["p"]]
    assert [row[6] for row in rows] == [p_text(float(p)) for p in table["p_adjusted"]]
    assert [row[7] for row in rows] == table["stars"].tolist()


def test_the_conclusion_names_what_was_found(comparison):
    text = conclusion(comparison)
    assert re.fullmatch(
        r"1 of 3 analytes differs significantly between the groups after Holm adjustment: "
        r"IL-6 \(ratio 0\.\d+, 95 % CI 0\.\d+ to 0\.\d+, adjusted p < 0\.001\)\.",
        text,
    )


def test_the_page_names_the_level_and_the_adjustment_asked_for(page, comparison):
    assert ">95 % interval<" in page
    asked = dataclasses.replace(comparison.options, alpha=0.1, adjust="none")
    other = dataclasses.replace(comparison, options=asked)
    assert ">90 % interval<" in comparison_page(other)
    assert re.search(
        r"without adjustment: .*, 90 % CI 0\.\d+.*, unadjusted p < ", conclusion(other)
    )


def test_nothing_found_and_nothing_tested(comparison):
    table = comparison.table.assign(p_adjusted=1.0)
    none = dataclasses.replace(comparison, table=table)
    assert conclusion(none).startswith("None of 3 analytes differs significantly between")
    table = comparison.table.assign(p_adjusted=float("nan"))
    untested = dataclasses.replace(comparison, table=table)
    assert conclusion(untested) == "No analyte could be tested; the table says why for each."


def test_everything_stands_on_the_page(page, comparison):
    text = html.unescape(page)
    for sentence in comparison.guard:
        assert sentence in text
    for part in paragraphs(comparison.methods):
        assert part.text in text
    for name, members in comparison.families.items():
        assert f"{name} ({len(members)})" in text
    assert page.count("IL-6 ***") == 2
    for word in TABLES["comparisons"].columns.values():
        assert word.meaning in text


def test_hostile_names_stay_text(page):
    assert "<img src=x" not in page
    assert "&lt;img src=x onerror=" in page


def test_the_same_comparison_gives_the_same_bytes(page, comparison):
    assert page == comparison_page(comparison, {"Panels": SVG, "Forest": SVG})


def test_a_picture_that_is_none_and_a_folder_that_is_not(comparison, tmp_path):
    with pytest.raises(OutputError, match="CK-552"):
        comparison_page(comparison, {"Panels": "no"})
    with pytest.raises(OutputError, match="CK-550"):
        write_compare_page(comparison, tmp_path / "none" / "report.html")
    write_compare_page(comparison, tmp_path / "report.html")
    assert "Figures" not in (tmp_path / "report.html").read_text(encoding="utf-8")
