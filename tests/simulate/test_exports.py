"""The writers: deterministic bytes, no formulas, what they refuse, and what goes with a trial."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cytokit.errors import UsageError
from cytokit.parsers.read import read_plates
from cytokit.plate import Plate
from cytokit.simulate.exports import WRITERS
from cytokit.simulate.trials import CYTOKINES, PlatePlan, simulate_plate, simulate_trial
from cytokit_cli.simulate_command import FORMATS

FORMULA = "=cmd|' /C calc'!A0"
Change = Callable[[Plate], Plate]


def small(**plan: object) -> Plate:
    samples = {FORMULA: np.full(2, 50.0), "https://x.org": np.full(2, 500.0)}
    return simulate_plate(
        CYTOKINES[:2],
        samples,
        rng=np.random.default_rng(3),
        plan=PlatePlan(**plan),  # type: ignore[arg-type]
        name="P",
    )


def renamed(column: str, old: str, new: str) -> Change:
    def change(plate: Plate) -> Plate:
        wells = plate.wells.assign(**{column: plate.wells[column].replace(old, new)})
        analytes = plate.analytes
        if column == "analyte":
            analytes = analytes.assign(analyte=analytes["analyte"].replace(old, new))
        return replace(plate, wells=wells, analytes=analytes)

    return change


def with_first(column: str, value: object) -> Change:
    """One reading changed."""

    def change(plate: Plate) -> Plate:
        wells = plate.wells.copy()
        wells.loc[8, column] = value
        return replace(plate, wells=wells)

    return change


def with_regions(*regions: str) -> Change:
    return lambda plate: replace(plate, analytes=plate.analytes.assign(bead_id=list(regions)))


def twice(plate: Plate) -> Plate:
    return replace(plate, wells=pd.concat([plate.wells, plate.wells.head(1)], ignore_index=True))


def test_the_command_offers_every_writer() -> None:
    assert tuple(WRITERS) == FORMATS


@pytest.mark.parametrize("name", WRITERS)
def test_the_same_plate_gives_the_same_bytes(name: str) -> None:
    writer = WRITERS[name]
    assert writer.write(small()) == writer.write(small())


@pytest.mark.parametrize("name", ["bioplex", "bioplex-statistic"])
def test_workbooks_hold_texts_never_formulas_or_links(name: str) -> None:
    plate = renamed("analyte", "IL-6", FORMULA)(small())
    with zipfile.ZipFile(io.BytesIO(WRITERS[name].write(plate))) as archive:
        parts = {part: archive.read(part).decode() for part in archive.namelist()}
    sheets = [text for part, text in parts.items() if part.startswith("xl/worksheets/")]
    assert sheets
    assert not any("<f>" in text or "hyperlink" in text for text in sheets)
    assert "=cmd|" in parts["xl/sharedStrings.xml"]


def test_sheet_names_are_allowed_and_distinct() -> None:
    long = "[a]:b*c?d/e\\" + "x" * 40
    plate = renamed("analyte", "IL-6", long + "2")(renamed("analyte", "IFNg", long)(small()))
    with zipfile.ZipFile(io.BytesIO(WRITERS["bioplex"].write(plate))) as archive:
        book = archive.read("xl/workbook.xml").decode()
    assert 'name="_a__b_c_d_e_xxxxxxxxxxxxxxxxxxx"' in book
    assert 'name="_a__b_c_d_e_xxxxxxxxxxxxxxxxx 2"' in book


@pytest.mark.parametrize(
    ("names", "change", "code", "words"),
    [
        (list(WRITERS), twice, "CK-614", "a well is read twice"),
        (list(WRITERS), with_first("sample", "x"), "CK-614", "differ in sample, well type or"),
        (list(WRITERS), with_first("dilution_factor", 9), "CK-614", "or dilution"),
        (["xponent", "intelliflex", "is23"], renamed("sample", FORMULA, "Standard9"), "CK-615",
         "the unknown 'Standard9' would be read as standard"),
        (["xponent", "is23"], renamed("sample", "Background0", "Leer"), "CK-615",
         "the blank 'Leer' would be read as unknown"),
        (["is23"], renamed("sample", "Standard1", "top"), "CK-615", "IS 2.3 goes by its name"),
        (list(WRITERS), renamed("analyte", "IL-6", "IFNg"), "CK-616", "analytes are called 'IFNg'"),
        (list(WRITERS), renamed("analyte", "IL-6", ""), "CK-616", "an analyte has no name"),
        (["xponent", "is23"], renamed("analyte", "IL-6", "Notes"), "CK-616",
         "'Notes' cannot be told from the column of that name"),
        (["intelliflex-wide"], renamed("analyte", "IL-6", "NaN"), "CK-616",
         "'NaN' reads as one without a name"),
        (["xponent"], with_first("expected", 7.0), "CK-617",
         "expected of the standard 'Standard2' differs from well to well"),
        (["intelliflex-wide"], with_regions("12", "12"), "CK-618", "'12' is another analyte's"),
        (["intelliflex-wide"], with_regions("12", ""), "CK-618", "no bead region"),
        (["bioplex", "bioplex-statistic"], with_regions("12", "1234"), "CK-618",
         "'IL-6 (1234)' cannot be read as an analyte and a bead region"),
        (["xponent", "intelliflex", "is23"], with_first("vendor_status", "outlier"), "CK-620",
         "has no sign for a result that is 'outlier'"),
        (["is23"], with_first("vendor_status", "extrapolated"), "CK-620", "IS 2.3 has no sign"),
    ],
)  # fmt: skip
def test_what_a_family_would_say_wrongly_is_refused(
    names: list[str], change: Change, code: str, words: str
) -> None:
    plate = change(small())
    for name in names:
        with pytest.raises(UsageError) as caught:
            WRITERS[name].write(plate)
        assert code in str(caught.value)
        assert words in str(caught.value)
        assert "mend:" in str(caught.value)


def test_all_that_is_refused_is_said_at_once() -> None:
    plate = renamed("sample", FORMULA, "Standard9")(small())
    plate = renamed("sample", "https://x.org", "Control 7")(plate)
    with pytest.raises(UsageError) as caught:
        WRITERS["is23"].write(plate)
    assert len(caught.value.problems) == 2


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        ({"size": 100}, "no plate has 100 wells"),
        ({"replicates": 0}, "replicates is 0; it must be above zero"),
        ({"fold": -2.0}, "fold is -2.0"),
    ],
)
def test_a_plan_that_cannot_be_is_refused(plan: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError, match="CK-619") as caught:
        small(**plan)
    assert words in str(caught.value)


def test_plates_too_small_for_two_subjects_and_names_given_twice() -> None:
    with pytest.raises(UsageError, match=r"CK-610: a 96-well plate holds 1 samples"):
        simulate_trial(subjects=4, plan=PlatePlan(replicates=8), deaths=(0, 0))
    with pytest.raises(UsageError, match="CK-616: 2 analytes are called 'IL-6'"):
        simulate_trial(subjects=4, analytes=["IL-6", "IL-6"], deaths=(0, 0))
    with pytest.raises(UsageError, match="CK-616: an analyte has no name"):
        simulate_trial(subjects=4, analytes=["IL-6", ""], deaths=(0, 0))
    with pytest.raises(UsageError, match="CK-616: no analyte is named"):
        simulate_trial(subjects=4, analytes=[], deaths=(0, 0))


def test_a_384_well_plate_takes_four_times_the_subjects() -> None:
    trial = simulate_trial(seed=2, subjects=40, plan=PlatePlan(size=384))
    assert len(trial.plates) == 2
    assert trial.plates[0].size == 384
    assert len(simulate_trial(seed=2, subjects=40).plates) == 5


@pytest.mark.parametrize("name", WRITERS)
def test_a_trial_in_any_format_can_be_fitted(name: str, tmp_path: Path) -> None:
    """Standards' concentrations and samples' dilutions are known: by the export or beside it."""
    trial = simulate_trial(seed=2, subjects=4, analytes=["IL-6", "TNFa"], deaths=(0, 0))
    for file, data in trial.files(name).items():
        (tmp_path / file).write_bytes(data)
    layout = tmp_path / "layout.csv"
    plates = read_plates(tmp_path, layout=layout if layout.exists() else None)
    assert [plate.name for plate in plates] == ["plate_1"]
    ours = trial.plates[0].wells.query("well_type == 'standard'").set_index(["well", "analyte"])
    theirs = plates[0].wells.query("well_type == 'standard'").set_index(["well", "analyte"])
    pd.testing.assert_series_equal(
        theirs["expected"].sort_index(), ours["expected"].sort_index(), check_exact=True
    )
    diluted = plates[0].wells.query("well_type == 'unknown'")["dilution_factor"]
    assert set(diluted) == {trial.plates[0].wells["dilution_factor"].max()} == {2.0}
    readme = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "on 1 plate in" in readme
    assert all(companion.about in readme for companion in WRITERS[name].companions)


def test_plates_that_expect_other_concentrations_are_of_another_lot() -> None:
    plates = [small(), small(), small(fold=3.0)]
    lots = WRITERS["is23"].companions[0]
    rows = lots.write(plates).decode().splitlines()
    assert rows[0].startswith("Lot,Analyte,Unit,Standard1,")
    assert len(rows) == 1 + 2 * 2
    assert len({row.split(",")[0] for row in rows[1:]}) == 2
