"""``fit``: one plate or many, options, exclusions, executors, findings."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from cytokit.curves import platefit
from cytokit.curves.platefit import fit
from cytokit.errors import InputError, NothingToDoError, UsageError
from cytokit.options import FitOptions
from cytokit.schema import TABLES
from cytokit.simulate.trials import CYTOKINES, PlatePlan, simulate_plate

A, B, C = (analyte.name for analyte in CYTOKINES[:3])


def make_plate(seed=1, name="P1", analytes=3, n_samples=3, **plan):
    rng = np.random.default_rng(seed)
    truth = {f"S{i + 1}": np.exp(rng.normal(5, 1, analytes)) for i in range(n_samples)}
    return simulate_plate(CYTOKINES[:analytes], truth, rng=rng, plan=PlatePlan(**plan), name=name)


@pytest.fixture(scope="module")
def plates():
    return [make_plate(seed, f"P{seed}", analytes=1 + seed % 3) for seed in range(1, 4)]


@pytest.fixture(scope="module")
def result(plates):
    return fit(plates)


def frames(result):
    return {
        "wells": result.wells,
        "samples": result.samples,
        "curves": result.curves.table,
        "standards": result.standards,
        "flags": result.flags,
    }


def test_one_plate_or_many(plates, result):
    assert [plate.name for plate in result.plates] == ["P1", "P2", "P3"]
    assert result.concentrations is result.samples
    assert list(result.flags.columns) == TABLES["flags"].names
    assert list(result.exclusions.columns) == TABLES["exclusions"].names
    assert repr(result).startswith("<PlateFit: 3 plate(s), 6 curves (6 good)")


def test_a_plates_numbers_depend_on_that_plate_alone(plates, result):
    for plate in plates:
        alone = fit(plate)
        for name, frame in frames(alone).items():
            whole = frames(result)[name]
            mine = whole[whole["plate"] == plate.name].reset_index(drop=True)
            pd.testing.assert_frame_equal(mine, frame, check_exact=True, check_dtype=False)


def test_the_order_of_analytes_has_no_influence():
    plate = make_plate(7)
    turned = replace(plate, analytes=plate.analytes.iloc[::-1].reset_index(drop=True))
    one, other = fit(plate), fit(turned)
    for name in (A, B, C):
        assert one.curves[name].row() == other.curves[name].row()


def test_no_executor_and_no_chunking_changes_a_byte(plates, result, monkeypatch):
    expected = {name: frame.to_csv() for name, frame in frames(result).items()}
    with ThreadPoolExecutor(2) as executor:
        monkeypatch.setattr(platefit, "PLATES_PER_CHUNK", 2)
        threaded = fit(plates, executor=executor)
    monkeypatch.setattr(platefit, "PLATES_PER_CHUNK", 1)
    single = fit(plates)
    for other in (threaded, single):
        assert {name: frame.to_csv() for name, frame in frames(other).items()} == expected


@pytest.mark.slow
def test_processes_give_the_same_bytes(plates, result, monkeypatch):
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    monkeypatch.setattr(platefit, "PLATES_PER_CHUNK", 2)
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as executor:
        other = fit(plates, executor=executor)
    for name, frame in frames(result).items():
        assert frames(other)[name].to_csv() == frame.to_csv()


def test_options_by_keyword_count_over_options_given(plates):
    found = fit(plates[0], FitOptions(model="5pl", unit="ng/mL"), model="4pl", robust=False)
    assert found.options == FitOptions(model="4pl", unit="ng/mL", robust=False)
    assert found.curves.table["model"].tolist() == ["4pl"] * len(found.curves)


def test_a_unit_is_stated_only_where_the_export_has_none():
    plate = make_plate(2, analytes=1)
    bare = replace(plate, analytes=plate.analytes.assign(unit=""))
    assert fit(bare, unit="pg/mL").samples["unit"].unique().tolist() == ["pg/mL"]
    assert fit(plate, unit="ng/mL").samples["unit"].unique().tolist() == [plate.unit(A)]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"model": "5lp"}, "model='5lp' is no choice (did you mean '5pl'?)"),
        ({"weights": "y"}, "weights='y' is no choice"),
        ({"profile": "m11"}, "did you mean 'm10'?"),
        ({"prior": "strong"}, "prior='strong' is no choice"),
        ({"limits": "recover"}, "did you mean 'recovery'?"),
        ({"max_cv_pct": 0.0}, "give a number between 1 and 100"),
        ({"dilution_error_pct": float("nan")}, "give a number between 0 and 100"),
    ],
)
def test_options_that_are_no_choice(plates, given, words):
    with pytest.raises(UsageError) as caught:
        fit(plates[0], **given)
    assert "CK-342" in str(caught.value)
    assert words in str(caught.value)


def test_all_wrong_options_are_named_at_once(plates):
    with pytest.raises(UsageError) as caught:
        fit(plates[0], model="x", prior="y")
    assert len(caught.value.problems) == 2


def test_no_plate_is_an_error():
    with pytest.raises(NothingToDoError) as caught:
        fit([])
    assert "CK-340: there is no plate to fit" in str(caught.value)
    assert caught.value.exit_code == 4


def test_a_path_is_no_plate():
    with pytest.raises(UsageError) as caught:
        fit(["plate.csv", make_plate()])
    assert "CK-341: 'plate.csv' is no Plate" in str(caught.value)
    assert "read_plate" in str(caught.value)


def test_plates_of_the_same_name_stay_apart():
    found = fit([make_plate(1), make_plate(2)])
    names = [plate.name for plate in found.plates]
    assert len(set(names)) == 2
    assert set(found.samples["plate"]) == set(names)


def exclusion(**row):
    return pd.DataFrame([{"plate": "", "well": "", "analyte": "", "who": "kb"} | row])


def test_exclusions_are_followed_logged_and_flagged():
    plate = make_plate(3)
    well = plate.wells[plate.wells["sample"] == "S1"]["well"].iloc[0]
    table = exclusion(plate="P1", well=well.lower(), reason="bubble")
    found = fit(plate, exclusions=table)
    mine = found.wells[found.wells["well"] == well]
    assert (mine["status"] == "excluded").all()
    assert (mine["flags"].str.split(";").str[0] == "excluded").all()
    flags = found.flags[found.flags["code"] == "excluded"]
    assert flags["message"].tolist() == ["bubble (kb)"]
    assert found.exclusions["well"].tolist() == [well]
    assert found.samples[found.samples["sample"] == "S1"]["n_wells"].tolist() == [1, 1, 1]


def test_an_exclusion_that_matches_nothing_is_an_error():
    with pytest.raises(InputError) as caught:
        fit(make_plate(), exclusions=exclusion(plate="P1", well="H12", reason="x"))
    assert "CK-335" in str(caught.value)


def spoiled():
    """A plate with one bad standard well, one flat analyte."""
    plate = make_plate(4)
    wells = plate.wells.copy()
    standard = wells["well_type"] == "standard"
    mine = wells.index[standard & (wells["analyte"] == A)]
    wells.loc[mine[6], "mfi"] *= 8
    wells.loc[(wells["analyte"] == B) & (standard | (wells["well_type"] == "blank")), "mfi"] = 40.0
    return replace(plate, wells=wells), wells.loc[mine[6], "well"]


def test_findings_name_wells_and_curves():
    plate, well = spoiled()
    found = fit(plate)
    flags = found.flags.set_index("code")
    assert flags.loc["curve_failed", "analyte"] == B
    low = found.flags[found.flags["code"] == "downweighted"]
    assert (low["well"].tolist(), low["analyte"].tolist()) == ([well], [A])
    row = found.wells[(found.wells["well"] == well) & (found.wells["analyte"] == A)].iloc[0]
    assert "downweighted" in row["flags"].split(";")
    other = found.wells[(found.wells["well"] == well) & (found.wells["analyte"] == C)].iloc[0]
    assert "downweighted" not in other["flags"]
    assert plate.findings == found.findings[: len(plate.findings)]


def test_the_summary_counts_samples_in_range(result):
    summary = result.summary
    assert summary.columns.tolist()[:4] == ["plate", "analyte", "verdict", "lloq"]
    unknown = result.samples[result.samples["well_type"] == "unknown"]
    assert summary["n_samples"].sum() == len(unknown)
    assert summary["n_in_range"].sum() == (unknown["status"] == "in_range").sum()
    assert "n_in_range" in result._repr_html_()


def test_pooled_plates_lend_each_other():
    plates = [make_plate(seed, f"P{seed}", analytes=1) for seed in range(1, 4)]
    alone, pooled = fit(plates), fit(plates, pool=True)
    assert pooled.options.pool
    slopes = {
        name: np.std([np.log(result.curves[plate.name, A].slope) for plate in plates])
        for name, result in (("alone", alone), ("pooled", pooled))
    }
    assert slopes["pooled"] < slopes["alone"]
    again = fit(plates[::-1], pool=True)
    for plate in plates:
        np.testing.assert_allclose(
            again.curves[plate.name, A].arrays.theta,
            pooled.curves[plate.name, A].arrays.theta,
            atol=1e-9,
        )
