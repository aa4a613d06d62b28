"""Curves of whole plates: tables, verdicts, bad data that does not stop a plate."""

from __future__ import annotations

from base64 import b64decode
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import example_plates
from cytokit.curves.fit import CurveSet, UnknownCurveError, fit_curves, replicates_per_sample
from cytokit.curves.quality import standard_findings
from cytokit.curves.quantify import quantify
from cytokit.errors import InputError
from cytokit.options import FitOptions
from cytokit.parsers.read import read_plate
from cytokit.plate import Plate
from cytokit.schema import TABLES, RangeStatus, Verdict
from cytokit.simulate.trials import CYTOKINES, PlatePlan, simulate_plate


def make_plate(seed=1, n_samples=4, analytes=3, name="P1", **plan):
    panel = CYTOKINES[:analytes]
    rng = np.random.default_rng(seed)
    truth = {f"S{i + 1}": np.exp(rng.normal(5, 1, analytes)) for i in range(n_samples)}
    return simulate_plate(panel, truth, rng=rng, plan=PlatePlan(**plan), name=name)


def changed(plate: Plate, change) -> Plate:
    wells = plate.wells.copy()
    change(wells)
    return replace(plate, wells=wells)


def standards_of(wells, analyte):
    return (wells["well_type"] == "standard") & (wells["analyte"] == analyte)


@pytest.fixture(scope="module")
def plate():
    return make_plate()


@pytest.fixture(scope="module")
def curves(plate):
    return fit_curves([plate])


def test_every_analyte_has_a_good_curve_with_all_its_numbers(plate, curves):
    assert list(curves) == [("P1", name) for name in plate.analyte_names]
    table = curves.table
    assert list(table.columns) == TABLES["curves"].names
    assert (table["verdict"] == "good").all()
    assert (table["reason"] == "").all()
    numbers = table.drop(columns=["reason"]).select_dtypes("number")
    assert np.isfinite(numbers.to_numpy(float)).all()
    assert (table["lod"] < table["lloq"]).all()
    assert (table["lloq"] < table["uloq"]).all()
    assert (table["n_levels"] == 8).all()


def test_standards_have_one_row_a_level_and_recover(curves):
    standards = curves.standards
    assert list(standards.columns) == TABLES["standards"].names
    assert len(standards) == 3 * 9
    blank = standards[standards["expected"] == 0]
    assert blank["recovery_pct"].isna().all()
    above = standards[standards["expected"] > 0]
    assert above["recovery_pct"].sub(100).abs().median() < 8
    assert standards["used"].all()
    assert (standards["n_wells"] == 2).all()


def test_a_curve_predicts_inverts_and_brackets(curves):
    curve = curves["P1", CYTOKINES[0].name]
    x = np.geomspace(curve.lloq, curve.uloq, 7)
    mfi = curve.predict(x)
    back, status = curve.invert(mfi)
    np.testing.assert_allclose(back, x, rtol=1e-9)
    assert (status[1:-1] == RangeStatus.IN_RANGE).all()
    low, high = curve.interval(mfi, 2)
    assert ((low < x) & (x < high)).all()
    below, above = curve.band(x)
    assert ((below < mfi) & (mfi < above)).all()
    assert curve.predict(0)[0] == pytest.approx(curve.lower)
    ends, status = curve.invert([curve.lower - 5, curve.upper * 2, np.nan])
    assert np.isnan(ends).all()
    assert status.tolist() == ["oor_low", "oor_high", "not_measured"]


def test_the_equation_in_the_table_is_the_curve(curves):
    from cytokit.curves.logistic import response

    for curve in curves.values():
        x = np.array([0.0, 1.0, 30.0, 900.0, 1e5])
        shown = response(
            x,
            curve.lower,
            curve.upper,
            curve.slope,
            curve.inflection,
            curve.asymmetry,
            1 if curve.orientation == "+" else -1,
        )
        np.testing.assert_allclose(shown, curve.predict(x), rtol=1e-9)


@pytest.mark.parametrize("options", [FitOptions(), FitOptions(model="4pl", prior="none")])
def test_lmfit_sees_the_same_fit(plate, options):
    curve = fit_curves([plate], options)["P1", CYTOKINES[0].name]
    result = curve.lmfit()
    assert result.nfev <= 4
    np.testing.assert_allclose(result.eval(x=[1.0, 50.0, 800.0]), curve.predict([1, 50, 800.0]),
                               rtol=1e-5)  # fmt: skip


def test_it_shows_itself(curves):
    curve = curves["P1", CYTOKINES[0].name]
    page = curve._repr_html_()
    assert "recovery_pct" in page
    assert "LOD" in page
    assert "(x/c)" in page
    picture = page.split("data:image/svg+xml;base64,")[1].split('"')[0]
    assert b"IFNg" in b64decode(picture)
    assert b"Recovery" in b64decode(picture)
    assert repr(curve).startswith("<StandardCurve")
    assert "3 curves on 1 plate(s), 0 failed" in repr(curves)


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("IFNg2", "no curve for 'IFNg2'"),
        (("P1", "nobody"), "no curve for ('P1', 'nobody')"),
    ],
)
def test_an_unknown_key_is_named(curves, key, words):
    with pytest.raises(UnknownCurveError) as caught:
        curves[key]
    assert "CK-321" in str(caught.value)
    assert words in caught.value.problems[0].what
    assert key not in curves


def test_an_analyte_alone_is_enough_where_it_is_not_ambiguous(curves):
    name = CYTOKINES[1].name
    assert curves[name] is curves["P1", name]
    twice = CurveSet([curves[name], replace(curves[name], plate="P2")])
    with pytest.raises(UnknownCurveError) as caught:
        twice[name]
    assert "CK-322" in str(caught.value)
    assert "'P1', 'P2'" in caught.value.problems[0].what


def test_an_empty_set_has_empty_tables():
    assert CurveSet([]).standards.columns.tolist() == TABLES["standards"].names
    assert CurveSet([]).table.empty


A, B, C = (analyte.name for analyte in CYTOKINES[:3])


def no_standards(wells):
    wells.loc[standards_of(wells, A), "well_type"] = "unknown"
    wells.loc[(wells["well_type"] == "blank") & (wells["analyte"] == A), "well_type"] = "unknown"


def keep_levels(number):
    def change(wells):
        levels = sorted(set(wells.loc[standards_of(wells, A), "expected"]))
        keep = levels[-number:] if number else []
        drop = standards_of(wells, A) & ~wells["expected"].isin(keep)
        wells.loc[drop, "mfi"] = np.nan

    return change


def flat(wells):
    mine = (wells["analyte"] == A) & wells["well_type"].isin(["standard", "blank"])
    wells.loc[mine, "mfi"] = 50.0


def flat_noise(wells):
    mine = (wells["analyte"] == A) & wells["well_type"].isin(["standard", "blank"])
    wells.loc[mine, "mfi"] = 50 + 3 * np.random.default_rng(1).standard_normal(mine.sum())


def all_missing(wells):
    wells.loc[(wells["analyte"] == A), "mfi"] = np.nan


def no_expected(wells):
    wells.loc[standards_of(wells, A), "expected"] = np.nan


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (no_standards, "holds no standards for this analyte"),
        (keep_levels(3), "3 usable standard levels above zero; 5 are needed, 4 for a 4PL"),
        (keep_levels(1), "1 usable standard level above zero"),
        (keep_levels(0), "0 usable standard levels above zero"),
        (flat, "show no response"),
        (flat_noise, "show no response"),
        (all_missing, "no standard well can be used: no reading"),
        (no_expected, "0 usable standard levels above zero"),
    ],
)
def test_bad_standards_fail_their_own_curve_only(plate, change, words):
    curves = fit_curves([changed(plate, change)])
    failed = curves["P1", A]
    assert failed.verdict is Verdict.FAILED
    assert not failed.ok
    assert words in failed.reason
    assert curves["P1", B].ok
    assert curves["P1", C].ok
    assert np.isnan([failed.lower, failed.lod, failed.lloq]).all()
    assert np.isnan(failed.covariance).all()
    assert failed.reason in failed._repr_html_()
    with pytest.raises(InputError) as caught:
        failed.predict(1.0)
    assert "CK-320" in str(caught.value)
    assert words in str(caught.value)


def test_four_levels_are_fitted_with_four_parameters_and_it_is_said(plate):
    curve = fit_curves([changed(plate, keep_levels(4))])["P1", A]
    assert curve.ok
    assert curve.model == "4pl"
    assert curve.asymmetry == 1.0
    assert "only 4 standard levels stand: fitted as 4PL" in curve.reason


def test_four_parameters_on_request(plate):
    curves = fit_curves([plate], FitOptions(model="4pl"))
    assert {curve.model for curve in curves.values()} == {"4pl"}
    assert all(curve.reason == "" for curve in curves.values())


def test_a_standard_without_a_reading_is_listed_and_not_used(plate):
    def change(wells):
        mine = standards_of(wells, A)
        top = wells.loc[mine, "expected"].max()
        wells.loc[mine & (wells["expected"] == top), "mfi"] = np.nan

    curve = fit_curves([changed(plate, change)])["P1", A]
    top = curve.standards.iloc[-1]
    assert not top["used"]
    assert top["n_wells"] == 0
    assert top["reason"] == "no reading"
    assert curve.n_levels == 7
    assert curve.x_top == plate.wells["expected"].max() or curve.x_top > 0


def test_a_standard_without_an_expected_concentration_is_listed_last(plate):
    def change(wells):
        mine = standards_of(wells, A)
        wells.loc[mine & (wells["sample"] == wells.loc[mine, "sample"].iloc[0]), "expected"] = (
            np.nan
        )

    curve = fit_curves([changed(plate, change)])["P1", A]
    last = curve.standards.iloc[-1]
    assert np.isnan(last["expected"])
    assert last["reason"] == "no expected concentration"
    assert curve.ok


def test_a_plate_without_blanks_is_fitted(plate):
    wells = plate.wells[plate.wells["well_type"] != "blank"]
    curves = fit_curves([replace(plate, wells=wells.reset_index(drop=True))])
    assert all(curve.ok for curve in curves.values())


def test_excluded_wells_are_not_used_and_say_so(plate):
    rows = ((plate.wells["well"] == "A1") & (plate.wells["analyte"] == A)).to_numpy()
    curve = fit_curves([plate], excluded=[rows])["P1", A]
    well = curve.wells.set_index("well").loc["A1"]
    assert well["reason"] == "excluded by a user"
    assert well["weight"] == 0


def test_a_bad_well_is_down_weighted_and_shown(plate):
    def change(wells):
        mine = standards_of(wells, A) & (wells["sample"].str.contains("4"))
        wells.loc[wells.index[mine][0], "mfi"] *= 6

    curve = fit_curves([changed(plate, change)])["P1", A]
    low = curve.wells[curve.wells["robust"] < 0.5]
    assert len(low) == 1
    assert "down-weighted to 0.0" in low["reason"].item()
    row = curve.standards[curve.standards["level"] == low["level"].item()].iloc[0]
    assert row["n_wells"] == 1
    assert abs(row["recovery_pct"] - 100) < 30
    assert low["well"].item() in row["reason"]


def test_vendor_rules_work_on_net_mfi_and_answer_in_mfi(plate):
    curve = fit_curves([plate], FitOptions(weights="xponent", prior="none", robust=False))["P1", A]
    blanks = plate.wells[(plate.wells["well_type"] == "blank") & (plate.wells["analyte"] == A)]
    assert curve.background == pytest.approx(blanks["mfi"].mean())
    assert curve.orientation == "-"
    assert "no point of this weight rule" in curve.wells["reason"].tolist()
    standards = curve.standards[curve.standards["expected"] > 0]
    back, _ = curve.invert(standards["mfi"])
    np.testing.assert_allclose(back, standards["back_calculated"], rtol=1e-9)


def test_the_usual_number_of_wells_is_that_of_the_samples(plate):
    assert replicates_per_sample(plate) == 2
    assert replicates_per_sample(make_plate(replicates=3)) == 3
    assert replicates_per_sample(make_plate(n_samples=0)) == 1


def test_m10_drops_the_worst_and_logs_it(plate):
    def change(wells):
        mine = standards_of(wells, A)
        level = sorted(set(wells.loc[mine, "expected"]))[3]
        wells.loc[mine & (wells["expected"] == level), "mfi"] *= 1.9

    bad = changed(plate, change)
    options = FitOptions(profile="m10", robust=False)
    curves = fit_curves([bad], options)
    log = curves.dropped
    mine = log[log["analyte"] == A]
    assert mine["round"].tolist() == sorted(mine["round"])
    assert len(mine) >= 1
    worst = mine.iloc[0]
    assert abs(worst["recovery_pct"] - 100) > 20
    row = curves["P1", A].standards
    assert not row.set_index("level").loc[worst["level"], "used"]
    assert "left out by the acceptance profile in round 1" in worst["reason"]
    assert curves["P1", A].n_levels >= 6
    pd.testing.assert_frame_equal(log, fit_curves([bad], options).dropped)


def test_plates_with_other_analytes_and_series_stand_side_by_side(plate, curves):
    other = make_plate(seed=9, analytes=2, name="P2", levels=6, fold=5.0, replicates=3)
    both = fit_curves([other, plate])
    assert len(both) == 5
    for key, curve in curves.items():
        np.testing.assert_array_equal(both[key].arrays.theta, curve.arrays.theta)
        pd.testing.assert_frame_equal(both[key].standards, curve.standards)


def test_an_analyte_without_any_reading_is_an_entry_too(plate):
    row = plate.analytes.iloc[[0]].assign(analyte="IL-99")
    more = replace(plate, analytes=pd.concat([plate.analytes, row], ignore_index=True))
    curve = fit_curves([more])["P1", "IL-99"]
    assert curve.verdict is Verdict.FAILED
    assert curve.standards.empty
    assert "holds no standards" in curve.reason


def garbage(seed):
    rng = np.random.default_rng(seed)
    kinds = np.stack(
        [
            np.full(18, np.nan),
            np.zeros(18),
            rng.uniform(-50, 50, 18),
            np.exp(rng.uniform(0, 11, 18)),
            np.full(18, 1e9),
            np.full(18, np.inf),
        ]
    )
    share = np.array([2.0, 1, 2, 6, 0.3, 0.3]) ** rng.uniform(0, 2)
    return kinds[rng.choice(6, 18, p=share / share.sum()), np.arange(18)]


@pytest.mark.parametrize(
    "seed", [0, 1, 2, 3, *(pytest.param(n, marks=pytest.mark.slow) for n in range(4, 24))]
)
def test_whatever_the_standards_read_there_is_no_warning_and_no_half_answer(plate, seed):
    wells = plate.wells.copy()
    for number, name in enumerate((A, B, C)):
        mine = wells["well_type"].isin(["standard", "blank"]) & (wells["analyte"] == name)
        wells.loc[mine, "mfi"] = garbage(3 * seed + number)
    wells["net_mfi"] = np.nan
    spoiled = replace(plate, wells=wells)
    weights = ("model", "xponent", "1/y2", "bioplex")[seed % 4]
    options = FitOptions(weights=weights, prior="none" if seed % 2 else "weak")
    curves = fit_curves([spoiled], options)
    samples = quantify(spoiled, curves, options).samples
    numbered = samples["status"].isin(["in_range", "below_lloq", "above_uloq"])
    assert (samples["concentration"].notna() == numbered).all()
    for curve in curves.values():
        assert bool(curve.reason) or curve.verdict is Verdict.GOOD


@pytest.mark.parametrize("name", ["", "\N{NO-BREAK SPACE}\N{NO-BREAK SPACE}"])
def test_samples_without_names_are_nobodys_replicates(name):
    """A blank name once pooled all samples as replicates of one: IL-6's CV went to 40 %."""
    named = read_plate(Path(example_plates.__file__).with_name("plate_1.csv"))
    unknown = named.wells["well_type"] == "unknown"
    blank = replace(
        named, wells=named.wells.assign(sample=named.wells["sample"].mask(unknown, name))
    )
    before, after = fit_curves([named])["plate_1", "IL-6"], fit_curves([blank])["plate_1", "IL-6"]
    assert (replicates_per_sample(named), replicates_per_sample(blank)) == (2, 1)
    assert after.cv == pytest.approx(before.cv, rel=0.05)
    # the limits are those of results of one well now, not of two
    assert before.uloq == pytest.approx(2112, rel=0.01)
    assert 1500 < after.uloq < before.uloq
    # as good as names of their own
    alone = replace(named, wells=named.wells.assign(
        sample=named.wells["sample"].mask(unknown, named.wells["well"])))  # fmt: skip
    pd.testing.assert_frame_equal(fit_curves([alone]).table, fit_curves([blank]).table)
    result = quantify(blank, fit_curves([blank]))
    rows = result.samples[result.samples["well_type"] == "unknown"]
    assert set(rows["n_wells"]) == {1}
    assert rows["sample"].nunique() == named.wells.loc[unknown, "well"].nunique()


def test_standards_and_blanks_without_names_are_told_by_their_concentration(plate, curves):
    kinds = plate.wells["well_type"].isin(["standard", "blank"])
    bare = replace(plate, wells=plate.wells.assign(sample=plate.wells["sample"].mask(kinds, "")))
    columns = ["lower", "upper", "s0", "cv", "lod", "lloq", "uloq"]
    pd.testing.assert_frame_equal(fit_curves([bare]).table[columns], curves.table[columns])
    assert standard_findings(bare) == standard_findings(plate) == []
    wells = bare.wells.copy()
    level = wells["expected"].max()
    twin = wells.index[(wells["expected"] == level) & (wells["analyte"] == A)][0]
    wells.loc[twin, "mfi"] /= 9
    found = {one.code: one.message for one in standard_findings(replace(bare, wells=wells))}
    assert "differ 9" in found["twin_apart"]


def scaled(plate, factor):
    """The same plate as read by an instrument of another scale."""
    wells = plate.wells
    return replace(plate, wells=wells.assign(
        mfi=wells["mfi"] * factor, net_mfi=wells["net_mfi"] * factor))  # fmt: skip


@pytest.mark.parametrize("factor", [1e-4, 1e4, 7.3])
@pytest.mark.parametrize(("weights", "within"), [("model", 1e-6), ("1/y2", 1e-4)])
def test_readings_on_another_scale_give_the_same_curve(plate, weights, within, factor):
    options = FitOptions(weights=weights)
    one, other = (
        fit_curves([plate], options).table,
        fit_curves([scaled(plate, factor)], options).table,
    )
    for name in ("lower", "upper", "s0"):
        np.testing.assert_allclose(other[name], one[name] * factor, rtol=within)
    for name in ("cv", "inflection", "slope", "asymmetry", "lod", "lloq", "uloq", "chi2"):
        np.testing.assert_allclose(other[name], one[name], rtol=within)
    assert other["verdict"].tolist() == one["verdict"].tolist()


def test_findings_on_standards_do_not_depend_on_the_scale(plate):
    def change(wells):
        mine = standards_of(wells, A)
        top = wells.loc[mine, "expected"].max()
        wells.loc[mine & (wells["expected"] == top), "mfi"] /= 3
        middle = mine & wells["expected"].between(top / 100, top / 10)
        wells.loc[wells.index[middle][0], "mfi"] *= 4

    bad = changed(plate, change)
    codes = [one.code for one in standard_findings(bad)]
    assert {"hook", "twin_apart"} <= set(codes)
    assert [one.code for one in standard_findings(scaled(bad, 1e-4))] == codes
    assert [one.code for one in standard_findings(scaled(bad, 1e4))] == codes


def test_a_plate_of_one_analyte_has_the_noise_of_its_own_replicates():
    """Readings of 1000 to 1200 MFI that repeat to .8 %: a good curve that was called no curve."""
    rng = np.random.default_rng(3)
    truth = {f"U{n}": np.array([x]) for n, x in enumerate(np.geomspace(2.0, 2000.0, 24))}
    made = simulate_plate(CYTOKINES[:1], truth, rng=rng, name="P")
    wells = made.wells
    x = wells["mfi"] / wells["mfi"].max()
    made = replace(made, wells=wells.assign(mfi=1000 + 200 * x + rng.normal(0, 6.0, len(wells))))
    curve = fit_curves([made])["P", CYTOKINES[0].name]
    assert curve.ok, curve.reason
    assert 4.5 < np.hypot(curve.s0, curve.cv * 1000) < 9.0


def test_the_lone_analyte_of_the_cases(cases):
    """Its rise is 26 times the sd of its replicates; it was said to be 3.2 times the noise."""
    folder = cases / "more" / "16_lone_analyte_noise"
    lone = read_plate(folder / "p.csv")
    curve = fit_curves([lone])[lone.name, "A"]
    assert curve.ok, curve.reason
    assert np.hypot(curve.s0, curve.cv * 1000) == pytest.approx(7.6, rel=0.2)
    plates = [read_plate(folder / name) for name in ("od.csv", "od_x10000.csv")]
    od, raised = (fit_curves([one])[one.name, "A"] for one in plates)
    # two decimals were cut off when the readings were multiplied
    assert raised.lod == pytest.approx(od.lod, rel=2e-3)
    assert (raised.lloq, raised.uloq) == pytest.approx((od.lloq, od.uloq), rel=2e-3)


def collapsed(plate):
    """The plate as an export prints it that holds means of replicates alone."""
    wells = plate.wells
    keys = ["sample", "well_type", "analyte", "dilution_factor"]
    means = wells.groupby(keys, sort=False)["mfi"].agg(["mean", "std", "size"]).reset_index()
    first = wells.drop_duplicates(keys).reset_index(drop=True)
    assert (first[keys] == means[keys]).all().all()
    cv = 100 * means["std"] / means["mean"]
    printed = first.assign(
        mfi=means["mean"],
        net_mfi=np.nan,
        n_replicates=means["size"],
        replicate_sd=means["std"],
        replicate_cv_pct=cv,
    )
    return replace(plate, wells=printed)


def test_printed_means_with_their_sd_say_what_the_single_wells_say():
    """Their standard deviation was read and left aside, and each mean counted as one well."""
    whole = make_plate(seed=5, n_samples=12)
    means = collapsed(whole)
    assert replicates_per_sample(means) == replicates_per_sample(whole) == 2
    one, other = fit_curves([whole]), fit_curves([means])
    names = ["s0", "cv", "lod", "lloq", "uloq"]
    ratio = np.log(other.table[names] / one.table[names])
    assert (ratio.abs() < 0.1).all().all()
    for key, curve in one.items():
        told = other[key]
        assert told.standards["n_wells"].tolist() == curve.standards["n_wells"].tolist()
        np.testing.assert_allclose(
            told.standards["mfi_cv_pct"], curve.standards["mfi_cv_pct"], rtol=1e-9
        )
    singles, printed = quantify(whole, one).samples, quantify(means, other).samples
    assert printed["n_wells"].tolist() == singles["n_wells"].tolist()
    np.testing.assert_allclose(printed["mfi_cv_pct"], singles["mfi_cv_pct"], rtol=1e-9)
    assert printed["cv_pct"].isna().all()
    inside = (singles["status"] == "in_range") & (printed["status"] == "in_range")
    assert inside.sum() > 20
    widths = [np.log(table["ci_high"] / table["ci_low"])[inside] for table in (printed, singles)]
    np.testing.assert_allclose(widths[0], widths[1], rtol=0.15)


def test_means_whose_sd_is_not_printed_still_stand_for_their_wells():
    means = collapsed(make_plate(seed=5, n_samples=12))
    bare = replace(means, wells=means.wells.assign(replicate_sd=np.nan))
    samples = quantify(bare, fit_curves([bare])).samples
    assert set(samples.loc[samples["well_type"] == "unknown", "n_wells"]) == {2}
    assert samples["mfi_cv_pct"].isna().all()
