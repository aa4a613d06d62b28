"""Levey-Jennings charts: limits, marks and words where they belong."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from cytokit.errors import NothingToDoError, UsageError
from cytokit.figures.levey_jennings import levey_jennings, levey_jennings_pages
from cytokit.figures.style import axes_at, new_figure
from cytokit.qc.control import QualityControl
from cytokit.qc.drift import drift_table, step_table
from cytokit.qc.guide import make_guide
from cytokit.qc.series import ChartPlate
from cytokit.qc.westgard import judge, with_limits
from cytokit.runs import RunFacts
from cytokit.schema import TABLES

NAN = float("nan")


def plate(i: int, lot: str = "A", dated: bool = True) -> ChartPlate:
    date = f"2024-{1 + i // 28:02d}-{1 + i % 28:02d}T09:00:00" if dated else ""
    name = f"P{i:02d}"
    return ChartPlate(name, 0, RunFacts(name, f"h{i}", date, lots={"Kit": lot}), int(lot == "B"))


def values(plates, ln):
    rows = [
        {"plate": one.name, "series": "control", "level": "C1", "analyte": "IL-6", "unit": "pg/mL",
         "value": float(100 * np.exp(y)), "n_wells": 2, "reason": ""}
        for one, y in zip(plates, ln, strict=True)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def result(z=(), *, guide_plates=12, lot_at=10**6, dated=True) -> QualityControl:
    """Guide plates with a mean of 100 and an SD of ln of 0.1, then plates with these z."""
    n = guide_plates
    calm = 0.1 * np.sqrt(max(n - 1, 0) / max(n, 1)) * np.array([(-1) ** i for i in range(n)])
    members = [plate(i, dated=dated) for i in range(n)]
    more = [plate(n + i, "B" if i >= lot_at else "A", dated) for i in range(len(z))]
    plates = (*members, *more)
    table = values(plates, [*calm, *(0.1 * np.array(z, dtype=float))])
    guide = make_guide(table[:n], members, who="a", why="b") if n else None
    frame = with_limits(table, plates, guide)
    if guide is not None:
        frame, _ = judge(frame, plates, guide)
    drift, steps = drift_table(frame, plates)[0], step_table(frame, plates)[0]
    flags = pd.DataFrame(columns=TABLES["qc_flags"].names, dtype="str")
    return QualityControl(frame, flags, drift, steps, plates, guide, "", (), table, ())


def drawn(found: QualityControl):
    figure = new_figure("single", 40)
    return levey_jennings(found, "IL-6", "control", axes_at(figure, 13, 7, 66, 20), level="C1")


def words(ax) -> list[str]:
    return [text.get_text() for text in ax.texts]


def page_words(page) -> list[str]:
    """The texts of its charts."""
    return words(page.axes[0])


def footer_of(page) -> str:
    return " ".join(text.get_text() for text in page.texts)


def marks(ax) -> np.ndarray:
    """Where marks stand."""
    return np.concatenate([line.get_xydata() for line in ax.lines])


def with_curves(found: QualityControl) -> QualityControl:
    """The same beside a slope that broke 1-2s alone, and a midpoint that broke nothing."""
    quiet = found.table.assign(rules="")
    warned = quiet.assign(series="slope", rules=["1-2s"] * len(quiet))
    table = pd.concat([found.table, warned, quiet.assign(series="inflection")], ignore_index=True)
    return replace(found, table=table)


def test_limits_stand_at_their_values():
    ax = drawn(result([0.0]))
    labels = [tick.get_text() for tick in ax.get_yticklabels()]
    assert labels == ["74.1", "81.9", "100", "122", "135"]
    assert [w for w in words(ax) if "SD" in w or w == "mean"] == [
        "−3 SD", "mean", "+3 SD",
    ]  # fmt: skip
    assert "guide n = 12" in words(ax)


def test_a_broken_rule_is_named_once_for_plates_in_a_row():
    ax = drawn(result([0.0, 2.5, 2.5, 2.5, 0.0, -3.5]))
    assert [w for w in words(ax) if w[:1].isdigit()] == ["2-2s", "1-3s"]


def test_values_beyond_the_axis_stand_on_its_edge():
    ax = drawn(result([0.0, 30.0]))
    assert "1-3s (to +30 SD)" in words(ax)
    assert ax.get_ylim()[1] == pytest.approx(np.log(100) + 0.65)
    assert marks(ax)[:, 1].max() == pytest.approx(ax.get_ylim()[1])


def test_rules_that_would_touch_are_moved_apart_or_counted():
    ax = drawn(result([0.0, 3.5, 0.0, -3.5, 0.0, 3.5]))
    assert [w for w in words(ax) if w[:1].isdigit()] == ["1-3s", "1-3s", "1-3s"]
    figure = ax.get_figure()
    figure.canvas.draw()
    boxes = [text.get_window_extent() for text in ax.texts if text.get_text() == "1-3s"]
    assert all(one.x1 < two.x0 for one, two in pairwise(boxes))
    crowded = drawn(result([3.5, 0.0, -3.5, 0.0] * 10))
    assert [w for w in words(crowded) if w[:1].isdigit()] == ["1-3s 20×"]


def test_the_last_lots_ratio_is_read_where_its_name_has_no_room():
    z = [*[0.1, -0.1] * 20, 9.0, 9.1, 8.9]
    said = words(drawn(result(z, lot_at=40)))
    assert any(w.startswith("Kit B ×2.4") for w in said)


def test_a_new_lot_is_marked_with_its_step():
    ax = drawn(result([0, 0.1, -0.1, 0.1, 4.0, 4.1, 3.9, 4.0], lot_at=4))
    assert any(w.startswith("Kit B ×1.4") for w in words(ax))


def test_a_drift_is_named():
    said = words(drawn(result(np.linspace(-1, 1, 10))))
    assert "drift +0.22 SD/plate" in said
    assert "guide n = 12" in said


@pytest.mark.skipif(mpl.__version_info__[:2] != (3, 11), reason="the picture is matplotlib 3.11's")
@pytest.mark.mpl_image_compare(
    baseline_dir="baseline", style="default", tolerance=0.5, savefig_kwargs={"dpi": 50}
)
def test_levey_jennings():
    z = [0, 2.3, -1, 0.5, -3.4, 0.2, 3.8, 4.4, 4.1, 9.0, 4.0]
    return levey_jennings_pages(result(z, lot_at=6))[0]


def test_few_guide_plates_are_said_to_be_provisional():
    assert "PROVISIONAL, guide n = 5" in words(drawn(result([0.0], guide_plates=5)))


def test_without_a_guide_values_stand_alone():
    found = result([0.0, 1.0, 2.0], guide_plates=0)
    ax = drawn(found)
    assert not any("SD" in w for w in words(ax))
    assert "no plate is judged" in footer_of(levey_jennings_pages(found)[0])


def test_plates_without_a_date_show_their_names():
    ticks = [tick.get_text() for tick in drawn(result([0.0], dated=False)).get_xticklabels()]
    assert ticks[0] == "P00"


def test_a_plate_without_a_value_is_marked_at_the_foot():
    found = result([0.0, 1.0])
    table = found.table.assign(value=found.table["value"].where(found.table["plate"] != "P13"))
    ax = drawn(replace(found, table=table))
    crosses = np.concatenate([one.get_xydata() for one in ax.lines if one.get_marker() == "x"])
    assert crosses.tolist() == [[13.0, pytest.approx(ax.get_ylim()[0])]]


def test_one_plate_and_equal_values_can_be_drawn():
    drawn(result(guide_plates=1))
    found = result([0.0], guide_plates=0)
    assert len(levey_jennings_pages(found)) == 1


def test_controls_of_all_analytes_come_first():
    found = result([0.0])
    odd = "a $strange$ name " * 5
    parts = [found.table.assign(analyte=name, series=series)
             for name in ("IL-6", odd) for series in ("control", "blank_mfi")]  # fmt: skip
    found = replace(found, table=pd.concat(parts, ignore_index=True))
    pages = levey_jennings_pages(found)
    assert len(pages) == 2
    titles = [text for text in page_words(pages[0]) if ", control" in text or "strange" in text]
    assert titles[0] == "IL-6, control C1 (pg/mL)"
    assert "strange" in titles[1]
    assert titles[1].endswith("(pg/mL)")
    assert "IL-6, MFI of the blanks C1 (pg/mL)" in page_words(pages[1])


def test_parameters_of_curves_are_charted_where_something_befell_them():
    found = with_curves(result([0.0, 2.5]))
    pages = levey_jennings_pages(found)
    assert len(pages) == 1
    assert "Not charted: 2 parameters of curves that broke no rule" in footer_of(pages[0])
    broken = found.table["rules"].where(found.table["series"] != "slope", "1-2s 1-3s")
    odd = levey_jennings_pages(replace(found, table=found.table.assign(rules=broken)))
    assert "IL-6, slope C1 (pg/mL)" in page_words(odd[1])
    assert "Not charted: 1 parameters" in footer_of(odd[1])
    every = levey_jennings_pages(found, all_charts=True)
    assert sum("IL-6, " in text for text in page_words(every[1])) == 2
    assert "Not charted" not in footer_of(every[0])


def test_a_parameter_that_drifts_is_charted():
    found = with_curves(result(np.linspace(-1, 1, 10)))
    drift = pd.concat([found.drift, found.drift.assign(series="inflection")])
    pages = levey_jennings_pages(replace(found, drift=drift))
    assert "IL-6, midpoint C1 (pg/mL)" in page_words(pages[1])


def test_curves_alone_are_charted_rather_than_nothing():
    found = result([0.0])
    alone = replace(found, table=found.table.assign(series="slope", rules=""))
    assert "IL-6, slope C1 (pg/mL)" in page_words(levey_jennings_pages(alone)[0])


def test_a_series_that_is_not_there_is_named():
    with pytest.raises(UsageError, match="CK-523: unknown series 'IL-6, control C9'"):
        levey_jennings(
            result([0.0]), "IL-6", "control", new_figure("single", 40).add_subplot(), level="C9"
        )


def test_nothing_to_draw_is_said():
    found = result([0.0])
    with pytest.raises(NothingToDoError, match="CK-525: no plate has a value to chart"):
        levey_jennings_pages(replace(found, table=found.table.assign(value=NAN)))
