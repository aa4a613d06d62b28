"""Tables of logarithms: recognised, taken back once, and compared like their linear twins."""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
import pytest

from cytokit.errors import InputError, UsageError
from cytokit.tables.columns import split_header
from cytokit.tables.concentrations import read_concentrations
from cytokit.trial.compare import compare
from cytokit.trial.study import Study

BASES = {"log2": 2.0, "log10": 10.0, "ln": np.e}
LOGARITHMS = {"log2": np.log2, "log10": np.log10, "ln": np.log}


@pytest.mark.parametrize(
    ("header", "name", "unit", "scales"),
    [
        ("IL6 (NPX)", "IL6", "NPX", ["log2"]),
        ("IL6_NPX", "IL6", "NPX", ["log2"]),
        ("NPX_IL6", "IL6", "NPX", ["log2"]),
        ("IL-6 (NPQ)", "IL-6", "NPQ", ["log2"]),
        ("TNF (NPX, log2)", "TNF", "NPX", ["log2"]),
        ("log10 IL-6 (pg/mL)", "IL-6", "pg/mL", ["log10"]),
        ("Log10 IL-6, pg/mL", "IL-6", "pg/mL", ["log10"]),
        ("log₁₀ IL-6 (pg/mL)", "IL-6", "pg/mL", ["log10"]),
        ("IL-6 (log2 pg/mL)", "IL-6", "pg/mL", ["log2"]),
        ("IL-6 [log10(pg/mL)]", "IL-6", "pg/mL", ["log10"]),
        ("IL-6 (ln) (pg/mL)", "IL-6", "pg/mL", ["ln"]),
        ("log10(IL-6 (pg/mL))", "IL-6", "pg/mL", ["log10"]),
        ("log2(IL-12(p70))", "IL-12(p70)", "", ["log2"]),
        ("ln IL-6", "IL-6", "", ["ln"]),
        ("lnIL6", "IL6", "", ["ln"]),
        ("IL-6_log10", "IL-6", "", ["log10"]),
        ("log IL-6 (pg/mL)", "IL-6", "pg/mL", ["log"]),
        ("log10 IL6 (NPX)", "IL6", "NPX", ["log10", "log2"]),
        # no logarithms
        ("IL-6 (pg/mL)", "IL-6", "pg/mL", []),
        ("IL-12(p70) (pg/mL)", "IL-12(p70)", "pg/mL", []),
        ("LN-1", "LN-1", "", []),
        ("LN", "LN", "", []),
        ("logistic", "logistic", "", []),
        ("Galectin", "Galectin", "", []),
        ("MCP-1 (CCL2)", "MCP-1 (CCL2)", "", []),
    ],
)
def test_a_header_says_the_scale(header, name, unit, scales):
    found = split_header(header)
    assert (found.name, found.unit, list(found.scales)) == (name, unit, scales)


@pytest.mark.parametrize("sign", [" ", "(", "_", "log2 ", "ln", "a", "NPX ", "]", ". "])
def test_a_long_header_is_read_quickly(sign):
    began = time.perf_counter()
    split_header(sign * 100_000)
    split_header("IL-6 " + sign * 60)
    assert time.perf_counter() - began < 0.5


def trial(scale="linear", *, sizes=(9, 8), days=(0, 6), floor=None):
    """A tidy trial whose numbers are logarithms of one and the same linear trial."""
    rng = np.random.default_rng(8)
    rows = []
    for group, size in zip(("drug", "control"), sizes, strict=True):
        for at in range(size):
            own = rng.normal(0, 0.8)
            for day in days:
                ln = own + rng.normal(0, 0.5) + (0.9 if group == "drug" and day else 0)
                rows.append((f"{group}{at}", group, day, ln))
    frame = pd.DataFrame(rows, columns=["subject", "group", "day", "ln"])
    ln = frame.pop("ln")
    unit = 1.0 if scale == "linear" else np.log(BASES[scale])
    shown = np.exp(ln) if scale == "linear" else ln / unit
    texts = shown.map(repr)
    if floor is not None:
        limit = np.exp(floor) if scale == "linear" else floor / unit
        texts = texts.mask(ln < floor, f"<{limit!r}")
    return frame, texts


SHOWN = ["ratio", "ratio_low", "ratio_high", "p", "p_rank", "hl_ratio", "gm_treated", "method"]


@pytest.mark.parametrize("scale", list(BASES))
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"substitute": "half"},
        {"substitute": "as-given"},
        {"substitute": "sqrt2", "between": "welch"},
        {"between": "ranks", "adjust": "maxt", "draws": 500},
        {"propagate": True},
        {"baseline": None, "between": "welch"},
    ],
)
@pytest.mark.parametrize("floor", [None, -0.7])
def test_a_table_of_logarithms_compares_like_its_linear_twin(scale, options, floor):
    tables = {}
    for one in ("linear", scale):
        frame, texts = trial(one, floor=floor)
        header = "IL-6 (pg/mL)" if one == "linear" else f"{scale} IL-6 (pg/mL)"
        study = Study(frame.assign(**{header: texts}))
        tables[one] = compare(study, reference="control", **options).table
        assert set(study.values["unit"]) == {"pg/mL"}
    linear, logs = tables["linear"][SHOWN], tables[scale][SHOWN]
    pd.testing.assert_frame_equal(logs, linear, rtol=1e-9)


@pytest.mark.parametrize("given", ["header", "unit", "asked", "cells", "row"])
def test_wherever_the_scale_is_said(given):
    frame, texts = trial("log2")
    if given == "header":
        study = Study(frame.assign(**{"IL6 (NPX)": texts}))
    elif given == "unit":
        study = Study(frame.assign(analyte="IL6", value=texts, unit="NPX"))
    elif given == "asked":
        study = Study(frame.assign(IL6=texts), scale="log2")
    elif given == "cells":
        study = Study(frame.assign(IL6=texts + " NPX"))
    else:
        units = pd.DataFrame({"subject": [""], "group": [""], "day": [""], "IL6": ["NPX"]})
        study = Study(pd.concat([units, frame.assign(IL6=texts)], ignore_index=True))
    assert (study.values["value"] < 1).any()
    np.testing.assert_allclose(study.values["value"], 2.0 ** texts.astype(float))
    assert set(study.values["unit"]) == {"" if given == "asked" else "2^NPX"}
    said = [one.message for one in study.findings if one.code == "log_scale"]
    assert len(said) == 1
    result = compare(study, reference="control")
    assert said[0] in result.methods
    assert set(result.summary["unit"]) == {"" if given == "asked" else "2^NPX"}
    drug, control = (study.values[study.values["group"] == name] for name in ("drug", "control"))
    late = [np.log2(arm.loc[arm["day"] == 6, "value"]).mean() for arm in (drug, control)]
    welch = compare(study, reference="control", baseline=None, between="welch")
    assert welch.between["ratio"].iloc[0] == pytest.approx(2 ** (late[0] - late[1]))


def test_limits_go_with_their_readings_or_have_a_scale_of_their_own():
    frame = pd.DataFrame(
        {
            "subject": ["a", "b", "c", "LOD"],
            "IL6 (NPX)": ["<LOD", ">3", "-1", "-2"],
        }
    )
    table = read_concentrations(frame).frame
    assert table["upper"].tolist()[:1] == [0.25]
    assert table["lower"].tolist() == [0.0, 8.0, 0.5]
    assert table["lod"].tolist() == [0.25] * 3
    wide = pd.DataFrame(
        {
            "subject": ["a", "b"],
            "log10 IL-6 (pg/mL)": ["<LOD", "1"],
            "IL-6 LOD (pg/mL)": ["5", "5"],
            "log10 IL-8 (pg/mL)": ["<LOD", "1"],
            "IL-8 LOD": ["0.5", "0.5"],
        }
    )
    read = read_concentrations(wide).frame
    for analyte, limit in (("IL-6", 5.0), ("IL-8", 10**0.5)):
        mine = read[read["analyte"] == analyte]
        np.testing.assert_allclose(mine["lod"], limit)
        np.testing.assert_allclose(mine["upper"], [limit, 10.0])
    study = Study(wide.assign(group="g", day=0), scale="log10")
    assert study.values["given"].isna().tolist() == [True, True, False, False]


def test_a_printed_limit_below_zero_is_taken_as_given():
    frame = pd.DataFrame({"subject": ["a", "b"], "group": "g", "day": 0, "X (NPX)": ["<-3", "1"]})
    values = Study(frame).values
    assert values["given"].tolist() == [0.125, 2.0]
    assert values["upper"].tolist() == [0.125, 2.0]


def test_mixed_scales_are_converted_each_or_refused():
    frame, linear = trial("linear")
    logs = trial("log10")[1]
    first, second = frame["day"] == 0, frame["day"] == 6
    tables = [
        frame[first].assign(**{"IL-6 (pg/mL)": linear[first]}),
        frame[second].assign(**{"log10 IL-6 (pg/mL)": logs[second]}),
    ]
    study = Study(tables)
    np.testing.assert_allclose(
        sorted(study.values["value"]), sorted(linear.astype(float)), rtol=1e-12
    )
    for header in ("IL-6 (pg/mL)", "IL-6"):
        both = [
            frame[first].assign(**{header: linear[first]}),
            frame[second].assign(**{"IL-6 (NPX)": logs[second]}),
        ]
        with pytest.raises(InputError, match="CK-281: the analyte stands in several units"):
            Study(both)


def test_numbers_below_zero_are_no_concentrations():
    cells = {"IL-6": ["-1.2", "3", "-0.5"], "IL-8": ["<-2", "1", "2"]}
    frame = pd.DataFrame({"subject": list("abc"), **cells})
    with pytest.raises(InputError) as error:
        read_concentrations(frame)
    text = str(error.value)
    assert "CK-290: analyte 'IL-6': 2 readings (-1.2, -0.5) are below zero" in text
    assert "DataFrame, line 1, column IL-6" in text
    assert "'IL-8': 1 reading (-2) is below zero" in text
    assert "if they are logarithms say so: scale='log2', scale='log10' or scale='ln'" in text
    with pytest.raises(InputError, match="CK-290"):
        read_concentrations(frame, scale="linear")
    assert read_concentrations(frame, scale="ln").frame["value"].notna().sum() == 5


def test_scales_that_cannot_be():
    frame = pd.DataFrame({"subject": list("ab"), "log IL-6": ["1", "2"], "IL-8": ["1500", "3"]})
    with pytest.raises(InputError) as error:
        read_concentrations(frame)
    assert "CK-289: column 'log IL-6': its numbers are logarithms of a base" in str(error.value)
    with pytest.raises(InputError) as error:
        read_concentrations(frame, scale="log2")
    assert "CK-291: analyte 'IL-8': 1 reading (1500) is no log2 of any" in str(error.value)
    with pytest.raises(InputError) as error:
        read_concentrations(frame.rename(columns={"IL-8": "IL-8 (log10 pg/mL)"}), scale="log2")
    assert "column 'IL-8 (log10 pg/mL)': its numbers are said to be log10 and log2" in str(
        error.value
    )
    with pytest.raises(UsageError, match="CK-288: scale='log1' is no choice"):
        read_concentrations(frame, scale="log1")
    plain = read_concentrations(frame.rename(columns={"log IL-6": "log10 IL-6"}), scale="linear")
    assert plain.frame["value"].tolist() == [1.0, 1500.0, 2.0, 3.0]


def test_a_fit_has_no_scale_to_choose(tmp_path):
    with pytest.raises(UsageError, match="CK-292: scale='log2' is for tables"):
        Study([tmp_path], scale="log2")


def test_the_olink_cases(cases):
    design = cases / "files" / "long_design.csv"
    mapping = {"analyte": "Assay", "value": "NPX"}
    for name, chosen in (("wide", None), ("long", mapping)):
        study = Study(cases / "files" / f"olink_npx_{name}.csv", design, mapping=chosen)
        result = compare(study, baseline=None, day=0, reference="A")
        row = result.between.iloc[0]
        assert f"{row['ratio']:.1f}" == "6.2"
        assert row["ratio"] == pytest.approx(2 ** (8.6 / 3 - 0.7 / 3))
        assert row["unit"] == "2^NPX"
