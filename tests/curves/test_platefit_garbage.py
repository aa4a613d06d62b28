"""Whatever stands in the cells: no warning, and no empty concentration without its reason."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cytokit.curves.platefit import PlateFit, fit
from cytokit.options import FitOptions
from cytokit.plate import Plate
from cytokit.schema import RangeStatus
from cytokit.simulate.trials import CYTOKINES, PlatePlan, simulate_plate

ANALYTES = 4
NUMBERS = {"in_range", "below_lloq", "above_uloq"}
ABSURD = [0.0, -1.0, -1e308, 5e-324, 1e29, 1e31, 1e160, 1e308, np.inf, -np.inf, np.nan]
LEVELS = [0.0, -1.0, np.nan, np.inf, 5e-324, 1e-29, 1.0, 10.0, 1e29, 1e308]

Spoil = Callable[[np.ndarray, np.random.Generator], np.ndarray]
#: what becomes of one analyte's readings
GARBAGE: dict[str, Spoil] = {
    "sound": lambda mfi, _: mfi,
    "noise over twelve decades": lambda mfi, rng: np.exp(rng.normal(5, 6, mfi.size)),
    "noise about zero": lambda mfi, rng: rng.normal(0, 100, mfi.size),
    "all equal": lambda mfi, rng: np.full(mfi.size, rng.choice([0.0, 7.0, -3.0, 1e5])),
    "two values": lambda mfi, rng: rng.choice([0.0, 8.0], mfi.size),
    "half missing": lambda mfi, rng: np.where(rng.random(mfi.size) < 0.5, np.nan, mfi),
    "all missing": lambda mfi, _: np.full(mfi.size, np.nan),
    "upside down": lambda mfi, _: mfi[::-1],
    "negative": lambda mfi, _: -mfi,
    "absurd numbers only": lambda mfi, rng: rng.choice(ABSURD, mfi.size),
    "absurd numbers among sound": lambda mfi, rng: np.where(
        rng.random(mfi.size) < 0.15, rng.choice(ABSURD, mfi.size), mfi
    ),
    "tiny": lambda mfi, _: mfi * 1e-300,
    "huge": lambda mfi, rng: mfi * 10.0 ** rng.integers(20, 300),
}


def sound_plate() -> Plate:
    """Three samples, controls, eight standards and a blank, in duplicate."""
    truth = {f"S{i}": np.full(ANALYTES, 40.0 * i) for i in range(1, 4)}
    rng = np.random.default_rng(3)
    return simulate_plate(CYTOKINES[:ANALYTES], truth, rng=rng, plan=PlatePlan(), name="P")


SOUND = sound_plate()


@st.composite
def garbage_plates(draw: st.DrawFn) -> Plate:
    """A plate whose analytes are spoiled each in its own way."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    wells = SOUND.wells.copy()
    for analyte in SOUND.analyte_names:
        mine = wells["analyte"] == analyte
        spoil = GARBAGE[draw(st.sampled_from(sorted(GARBAGE)))]
        wells.loc[mine, "mfi"] = spoil(wells.loc[mine, "mfi"].to_numpy(), rng)
    if draw(st.booleans()):
        wells["net_mfi"] = np.nan
    standards = wells["well_type"] == "standard"
    gone = draw(st.sampled_from(["nothing", "blanks", "all levels but one", "standards"]))
    if gone == "blanks":
        wells = wells[wells["well_type"] != "blank"]
    elif gone == "all levels but one":
        wells = wells[~standards | (wells["sample"] == "Standard5")]
    elif gone == "standards":
        wells = wells[~standards]
    elif draw(st.integers(0, 3)) == 0:
        wells.loc[standards, "expected"] = rng.choice(LEVELS, int(standards.sum()))
    return replace(SOUND, wells=wells.reset_index(drop=True))


OPTIONS = st.builds(
    FitOptions,
    model=st.sampled_from(["5pl", "4pl"]),
    weights=st.sampled_from(["model", "1/y2", "1/y", "none", "xponent", "bioplex"]),
    prior=st.sampled_from(["weak", "none"]),
    pool=st.booleans(),
    robust=st.booleans(),
    profile=st.sampled_from(["research", "kit", "m10"]),
    limits=st.sampled_from(["precision", "recovery"]),
    dilution_error_pct=st.sampled_from([0.0, 10.0]),
)


def fit_without_warning(plate: Plate, options: FitOptions | None = None) -> PlateFit:
    """Fit, make every table and text; a warning of any kind is an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = fit(plate, options)
        assert result.summary["verdict"].notna().all()
        assert result._repr_html_()
        assert len(result.flags) <= len(result.findings)
    return result


def check_statuses(result: PlateFit) -> None:
    """A number stands exactly where the status promises one, and each status has its ground."""
    possible = {str(status) for status in RangeStatus}
    for table in (result.wells, result.samples):
        assert set(table["status"]) <= possible
        has_number = np.isfinite(table["concentration"])
        assert (has_number == table["status"].isin(NUMBERS)).all()
        assert (table.loc[has_number, "concentration"] >= 0).all()
        assert not np.isinf(table[["ci_low", "ci_high"]].to_numpy()).any()
        open_side = has_number & table[["ci_low", "ci_high"]].isna().any(axis=1)
        assert table.loc[open_side, "flags"].str.contains("ci_").all()
        for analyte in table.loc[table["status"] == "no_curve", "analyte"].unique():
            assert result.curves[analyte].reason
    for status, limit in (("oor_low", "limit_low"), ("oor_high", "limit_high")):
        marked = result.samples["status"] == status
        assert (np.isfinite(result.samples[limit]) == marked).all()
    silent = result.wells[result.wells["status"] == "not_measured"]
    named = silent["flags"].str.contains("impossible_reading")
    assert (silent["mfi"].isna() | named).all()
    unused = result.standards[~result.standards["used"].astype(bool)]
    assert (unused["reason"] != "").all()


@settings(deadline=None, derandomize=True, max_examples=8)
@given(garbage_plates(), OPTIONS)
def test_garbage_gives_no_warning_and_no_number_without_a_status(
    plate: Plate, options: FitOptions
) -> None:
    check_statuses(fit_without_warning(plate, options))


@pytest.mark.parametrize("value", [0.0, -5.0, 1e308, np.inf, np.nan])
def test_a_plate_that_reads_one_value_everywhere(value: float) -> None:
    result = fit_without_warning(replace(SOUND, wells=SOUND.wells.assign(mfi=value)))
    check_statuses(result)
    assert not result.samples["status"].isin(NUMBERS).any()


def altered(column: str, value: float) -> Plate:
    """The sound plate with one number of a well of Standard4 and of S1 changed."""
    wells = SOUND.wells.copy()
    for sample in ("Standard4", "S1"):
        first = wells.index[(wells["sample"] == sample) & (wells["analyte"] == "IL-6")][0]
        wells.loc[first, column] = value
    return replace(SOUND, wells=wells)


def rows_of(table: pd.DataFrame, key: str, name: str) -> pd.DataFrame:
    return table[(table[key] == name) & (table["analyte"] == "IL-6")]


def test_an_impossible_reading_is_named_and_left_out() -> None:
    result = fit_without_warning(altered("mfi", 1e200))
    found = [one for one in result.findings if one.code == "impossible_reading"]
    assert [one.sample for one in found] == ["Standard4", "S1"]
    assert found[0].message == "1e+200 MFI is no reading: taken as not measured"
    assert "no possible reading" in rows_of(result.standards, "level", "Standard4")["reason"].item()
    wells = rows_of(result.wells, "sample", "S1")
    assert wells["status"].tolist() == ["not_measured", "in_range"]
    assert rows_of(result.samples, "sample", "S1")["n_wells"].item() == 1


def test_an_impossible_level_is_left_out_with_its_reason() -> None:
    result = fit_without_warning(altered("expected", 1e300))
    standards = result.standards[result.standards["analyte"] == "IL-6"]
    assert standards["reason"].str.contains("no possible expected concentration").any()
    assert result.curves["IL-6"].ok
