"""One analyte under two spellings over plates and tables, and two that are alike but differ."""

from __future__ import annotations

from itertools import combinations

import pandas as pd
import pytest

from cytokit.errors import InputError
from cytokit.tables.columns import analyte_key, unit_key
from cytokit.trial.compare import compare
from cytokit.trial.study import Study

SAME = [
    ["TNF", "tnf", "Tnf "],
    ["TNF-α", "TNF-a", "TNFa", "TNF alpha", "TNF-Alpha", "tnf_α"],
    ["IFN-γ", "IFNg", "IFN-gamma", "IFN\N{NON-BREAKING HYPHEN}g"],
    ["IL-6", "IL6", "il 6", "IL\N{EN DASH}6"],
    ["IL-1β", "IL-1b", "IL-1 beta", "IL1B"],
    ["IL-1ra", "IL-1RA"],
    ["MIP-1α", "MIP1a"],
]


def table(analytes, subjects, *, day=6, unit="pg/mL", values=None):
    """A tidy table: every analyte for every subject; half of the subjects are treated."""
    rows = [
        (who, "drug" if at % 2 else "control", day, analyte, 10.0 + 3 * at + len(analyte), unit)
        for at, who in enumerate(subjects)
        for analyte in analytes
    ]
    return pd.DataFrame(rows, columns=["subject", "group", "day", "analyte", "value", "unit"])


def first(at):
    return [f"{at}{number}" for number in range(6)]


@pytest.mark.parametrize("names", SAME)
def test_spellings_over_tables_are_one_analyte(names):
    assert len({analyte_key(name) for name in names}) == 1
    study = Study([table([name], first(at)) for at, name in enumerate(names)])
    assert study.analytes == [names[0].strip()]
    (found,) = [one for one in study.findings if one.code == "analytes_joined"]
    assert found.severity == "warn"
    for name in names:
        assert repr(name.strip()) in found.message
    result = compare(study, baseline=None, reference="control")
    assert len(result.between) == 1
    assert result.between["n_treated"].iloc[0] == 3 * len(names)


@pytest.mark.parametrize(
    "pair",
    [
        *combinations([names[0] for names in SAME], 2),
        ("IL-1a", "IL-1b"),
        ("IL-1α", "IL-1β"),
        ("IL-1", "IL-11"),
        ("IL-1 1", "IL-11"),
        ("IL-1-2", "IL-12"),
        ("CXCL1/2", "CXCL12"),
        ("IL-12", "IL-12 p70"),
        ("IL-17A", "IL-17F"),
        ("IL-2", "IL-2R"),
    ],
)
def test_other_analytes_are_never_joined(pair):
    assert analyte_key(pair[0]) != analyte_key(pair[1])
    study = Study([table([name], first(at)) for at, name in enumerate(pair)])
    assert study.analytes == list(pair)
    assert not [one for one in study.findings if one.code.startswith("analytes_")]


def test_names_that_stand_together_for_a_sample_are_two_analytes():
    study = Study([table(["IL-6", "il6"], first(0)), table(["IL 6"], first(1))])
    assert study.analytes == ["IL-6", "il6", "IL 6"]
    (found,) = [one for one in study.findings if one.code.startswith("analytes_")]
    assert found.code == "analytes_alike"
    assert found.message == (
        "'IL-6' and 'il6' and 'IL 6' are kept apart: a sample has more than one of them"
    )


def test_spellings_within_one_table_are_joined_where_no_sample_has_both():
    rows = [table(["TNF"], first(0)), table(["tnf"], first(1))]
    study = Study(pd.concat(rows, ignore_index=True))
    assert study.analytes == ["TNF"]
    assert [one.code for one in study.findings if one.code.startswith("analytes_")] == [
        "analytes_joined"
    ]
    wide = pd.DataFrame(
        {"subject": list("abcd"), "group": ["g", "h"] * 2, "day": 6}
        | {"TNF": ["1", "2", "", ""], "tnf": ["", "", "3", "4"]}
    )
    assert Study(wide).values["value"].tolist() == [1.0, 2.0, 3.0, 4.0]


@pytest.mark.parametrize(
    "units",
    [
        ("\N{MICRO SIGN}g/mL", "\N{GREEK SMALL LETTER MU}g/mL"),
        ("ug/mL", "\N{MICRO SIGN}g/ml"),
        ("uM", "\N{GREEK SMALL LETTER MU}M"),
        ("ng/uL", "ng/\N{MICRO SIGN}L"),
        ("pg/mL", "pg_ml"),
    ],
)
def test_one_unit_in_two_spellings(units):
    assert unit_key(units[0]) == unit_key(units[1])
    study = Study([table(["IL-6"], first(at), unit=unit) for at, unit in enumerate(units)])
    assert len(set(study.values["unit"])) == 1
    assert {one.code for one in study.findings} == {"columns_recognised"}


@pytest.mark.parametrize("units", [("ug/mL", "ng/mL"), ("U/mL", "ug/mL"), ("mg/L", "ug/L")])
def test_two_units_are_refused(units):
    with pytest.raises(InputError, match="CK-281: the analyte stands in several units") as error:
        Study([table(["IL-6"], first(at), unit=unit) for at, unit in enumerate(units)])
    assert "nothing is converted here" in str(error.value)


def test_spellings_are_joined_before_their_units_are_compared():
    with pytest.raises(InputError, match="CK-281"):
        Study([table(["TNF"], first(0)), table(["tnf"], first(1), unit="ng/mL")])


@pytest.fixture(scope="module")
def fitted():
    """Fits plates of the cases."""
    from cytokit.curves.platefit import fit
    from cytokit.parsers.read import read_plates

    def of(*paths, **options):
        return fit(read_plates([str(path) for path in paths]), **options)

    return of


@pytest.mark.parametrize("folder", ["07_analyte_case_splits", "6_case"])
def test_the_cases_of_tnf_in_two_cases(cases, fitted, folder):
    if folder == "6_case":
        plates = [cases / "tables" / f"6_case_plate_{name}.csv" for name in "ab"]
        design = cases / "tables" / "6_design.csv"
    else:
        plates = [cases / "more" / folder / f"{name}.csv" for name in ("p7", "p6")]
        design = cases / "more" / folder / "d.csv"
    study = Study(fitted(*plates), design)
    assert [name.casefold() for name in study.analytes] == ["il-6", "tnf"]
    rows = compare(study, reference="control").between
    assert rows["n_treated"].tolist() == [4, 4]
    assert rows["n_control"].tolist() == [4, 4]
    assert "analytes_joined" in {one.code for one in study.findings}


@pytest.mark.parametrize("names", [("more/11_micro_and_mu/p1", "more/11_micro_and_mu/p2"),
                                   ("tables/7_micro", "tables/7_mu")])  # fmt: skip
def test_the_cases_of_two_micro_signs(cases, fitted, names):
    plates = [cases / f"{name}.csv" for name in names]
    design = cases / "more/11_micro_and_mu/d.csv"
    for options in ({}, {"unit": "ug/mL"}):
        study = Study(fitted(*plates, **options), design)
        units = study.values.groupby("analyte")["unit"].agg(set)
        assert units.map(len).tolist() == [1, 1]
        assert len(compare(study, reference="control").between) == len(study.analytes)
