"""The specification panel draws every analysis once, and says how often the verdict holds."""

from __future__ import annotations

from collections.abc import Callable

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from cytokit.errors import NothingToDoError, UsageError
from cytokit.figures.specification import (
    choices_of,
    holds_words,
    specification,
    specification_pages,
)
from cytokit.figures.style import axes_at, new_figure
from cytokit.schema import TABLES
from cytokit.trial.comparison import Sensitivity
from cytokit.trial.sensitivity import HOLDS_COLUMNS

NAN = float("nan")
VERDICTS = ("lower", "not significant", "higher", "not analysed")


@pytest.fixture(scope="session")
def panel() -> Callable[..., Sensitivity]:
    """Make a panel in outline: ``panel(analytes=..., pairs=..., data=...)``."""

    def make(
        analytes: tuple[str, ...] = ("IL-6",),
        pairs: tuple[tuple[str, str], ...] = (("treated", "control"),),
        data: tuple[str, ...] = ("as analysed", "MFI"),
    ) -> Sensitivity:
        rng = np.random.default_rng(4)
        rows, holds = [], []
        for analyte in analytes:
            for pair in pairs:
                specifications = [(name, *way) for name in data for way in WAYS]
                for index, (name, censor, substitute, between) in enumerate(specifications):
                    row: dict[str, object] = dict.fromkeys(TABLES["sensitivity"].names, NAN)
                    ratio = NAN if index % 7 == 5 else float(np.exp(rng.normal(-0.3, 0.4)))
                    row |= {"analyte": analyte, "treated_group": pair[0], "control_group": pair[1],
                            "data": name, "censor": censor, "substitute": substitute,
                            "between": between, "main": index == 0,
                            "verdict": VERDICTS[index % 4], "ratio": ratio,
                            "ratio_low": ratio / 1.6, "ratio_high": ratio * 1.6}  # fmt: skip
                    rows.append(row)
                holds.append((analyte, *pair, "lower", len(specifications) - 1, 5, 2, 40.0, 1, 2))
        return Sensitivity(
            pd.DataFrame(rows, columns=TABLES["sensitivity"].names),
            pd.DataFrame(holds, columns=list(HOLDS_COLUMNS)),
        )

    return make


WAYS = [
    (censor, substitute, between)
    for censor, substitute in (("lod", "none"), ("lloq", "none"), ("lod", "half"))
    for between in ("ancova", "welch", "ranks")
]


def draw(made: Sensitivity, analyte: str = "IL-6", **how: object):
    return specification(made, analyte, axes_at(new_figure("single", 110), 32, 12, 50, 40), **how)


def test_every_specification_is_drawn_once_at_its_ratio(panel):
    made = panel()
    ax = draw(made)
    assert made.table["ratio"].isna().any()
    marks = [np.asarray(c.get_offsets())[0] for c in ax.collections if "Path" in type(c).__name__]
    assert len(marks) == len(made.table)
    x, y = np.array(sorted(map(tuple, marks))).T
    assert x.tolist() == list(range(len(made.table)))
    ratios = np.sort(made.table["ratio"].dropna().to_numpy(float))
    assert y[: len(ratios)] == pytest.approx(ratios), "in rising order"
    assert y[len(ratios) :] == pytest.approx(ax.get_ylim()[0]), "without a ratio: at the foot"


def test_the_grid_shows_the_choices_behind_each(panel):
    made = panel()
    rows = made.table.sort_values("ratio", kind="stable")
    readings, outside, analysis = choices_of(rows)
    assert readings.answers == ("as analysed", "MFI")
    assert outside.answers == ("interval beyond LOD", "interval beyond LLOQ", "half the limit")
    assert analysis.answers == ("ANCOVA", "Welch", "rank test")
    mfi = (rows["data"] == "MFI").to_numpy(bool)
    assert [answer < 0 for answer in outside.taken] == mfi.tolist(), "fluorescence has no limits"
    given = [["ancova", "welch", "ranks"][answer] for answer in analysis.taken]
    assert given == rows["between"].tolist()


def test_questions_with_one_answer_are_left_out(panel):
    found = choices_of(panel(data=("as analysed",)).table)
    assert [one.question for one in found] == ["Out of range", "Analysis"]


def test_how_often_it_holds_stands_under_the_name(panel, texts):
    said = texts(draw(panel()))
    assert any(text.startswith("lower: holds in 2 of 5 others (40 %)") for text in said)
    row = pd.Series({"verdict": "not analysed", "specifications": 4, "analysed": 1, "same": 3,
                     "holds_pct": 75.0})  # fmt: skip
    assert holds_words(row) == "not analysed: holds in 3 of 4 others (75 %)"
    row = row.replace({"not analysed": "higher"}).replace({1: 0})
    assert holds_words(row) == "higher: no other specification could be analysed"


def test_a_pair_can_be_chosen(panel, texts):
    made = panel(pairs=(("low", "placebo"), ("high", "placebo")))
    assert draw(made).get_ylabel() == "Ratio, low / placebo"
    assert draw(made, pair=("high", "placebo")).get_ylabel() == "Ratio, high / placebo"
    assert len(specification_pages(made)) == 1


def test_pages_are_well_set_and_hold_everything(panel, well_set, texts):
    names = ("IFN-γ", "a protein with a very long name that no page could ever hold", "$x$",
             *(f"A{i}" for i in range(6)))  # fmt: skip
    pages = specification_pages(panel(names, (("umbilical cord stromal cells, 100±20", "care"),)))
    assert len(pages) == 3
    for page in pages:
        well_set(page)
    said = " ".join(text for page in pages for text in texts(page))
    assert all(name in said for name in ("IFN-γ", "A0", "A5"))
    assert all(verdict in said for verdict in VERDICTS)
    assert "a ratio of fluorescence" in said


def test_many_specifications_take_the_full_width(panel, well_set):
    data = ("as analysed", "4PL", "not robust", "4PL, not robust", "MFI", "other")
    pages = specification_pages(panel(("A", "B"), data=data))
    assert len(pages) == 1
    well_set(pages[0])
    widths = {round(ax.get_position().width, 2) for ax in pages[0].axes if ax.get_ylabel()}
    assert widths == {0.81}


@pytest.mark.skipif(
    mpl.__version_info__[:2] != (3, 11), reason="pictures were made with matplotlib 3.11"
)
@pytest.mark.mpl_image_compare(
    baseline_dir="baseline", style="default", tolerance=0.5, savefig_kwargs={"dpi": 50}
)
def test_specification_picture(panel):
    return specification_pages(panel(("IL-6", "TNFa")))[0]


def test_errors_name_what_is_wrong(panel):
    made = panel()
    with pytest.raises(UsageError, match=r"CK-523: unknown analyte 'IL6'(.|\n)*mean 'IL-6'"):
        draw(made, "IL6")
    with pytest.raises(UsageError, match=r"CK-523: unknown pair of groups 'a / b'"):
        draw(made, pair=("a", "b"))
    empty = Sensitivity(made.table.iloc[:0], made.holds.iloc[:0])
    for attempt in (lambda: draw(empty), lambda: specification_pages(empty)):
        with pytest.raises(NothingToDoError, match="CK-525: no groups were compared"):
            attempt()
