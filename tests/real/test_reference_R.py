"""Every number of the R references that compare gives too, and the published endotoxin table."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cytokit.trial.compare import compare
from cytokit.trial.comparison import Comparison
from cytokit.trial.multiplicity import adjust
from cytokit.trial.study import Study

pytestmark = pytest.mark.real

EXACT = 1e-9
#: where a rank interval was found by R with ties, R's own root-finding is good to this
UNIQUE_ONLY = ["hl_ratio", "hl_low", "hl_high"]


@pytest.fixture(scope="module")
def zilucov(real):
    return Study(real / "clinical" / "zilucov_long.csv")


@pytest.fixture(scope="module")
def endotoxin(real):
    mapping = {"day": "time", "value": "conc_pg_ml", "stratum": "sex"}
    return Study(real / "clinical" / "endotoxin_long.csv", mapping=mapping)


TRIALS = {
    "zilucov_d1_d6": {"baseline": 1, "day": 6, "reference": "control", "substitute": "as-given"},
    "endotoxin_t1_t2": {"baseline": 1, "day": 2, "reference": "Placebo", "substitute": "limit"},
}


@pytest.fixture(scope="module")
def run():
    """Compares each study once per set of options."""
    done = {}

    def compared(study, **options):
        key = (id(study), *options.items())
        if key not in done:
            done[key] = compare(study, **options)
        return done[key]

    return compared


@pytest.fixture(scope="module", params=list(TRIALS))
def trial(request, real):
    """The study, its options and R's table."""
    study = request.getfixturevalue(request.param.split("_")[0])
    table = pd.read_csv(real / "clinical" / f"reference_R_{request.param}.csv")
    return study, {**TRIALS[request.param], "strata": False}, table.set_index("analyte")


def rows(result: Comparison, contrast: str) -> pd.DataFrame:
    table = result.table[result.table["contrast"].str.startswith(contrast)]
    return table.set_index("analyte")


def meets(ours: pd.Series, reference: pd.Series, rtol: float = EXACT) -> None:
    np.testing.assert_allclose(ours.reindex(reference.index), reference, rtol=rtol)


@pytest.mark.parametrize("between", ["ancova", "welch"])
def test_between_groups(trial, between, run):
    study, options, r = trial
    ours = rows(run(study, **options, between=between), "between")
    for column, name in {
        "ratio": "gmr",
        "ratio_low": "lo",
        "ratio_high": "hi",
        "statistic": "t",
        "df": "df",
        "p": "p",
        "p_adjusted": "holm",
        "q_bh": "BH",
    }.items():
        meets(ours[column], r[f"{between}_{name}"])


@pytest.mark.parametrize("between", ["ancova", "welch"])
def test_adjusters(trial, between, run):
    study, options, r = trial
    p = rows(run(study, **options, between=between), "between")["p"]
    for method in ("bonferroni", "hochberg", "hommel", "by"):
        name = method.upper() if method == "by" else method
        meets(pd.Series(adjust(p, method), index=p.index), r[f"{between}_{name}"])
    ours = rows(run(study, **options, between=between, adjust="hommel"), "between")
    meets(ours["p_adjusted"], r[f"{between}_hommel"])


def test_difference_in_change_and_arms(trial, run):
    study, options, r = trial
    result = run(study, **options)
    change = rows(result, "difference_in_change")
    for column, name in {"ratio": "gmr", "statistic": "t", "df": "df", "p": "p"}.items():
        meets(change[column], r[f"diffchange_{name}"])
    primary = run(study, **options, between="change")
    meets(rows(primary, "between")["p"], r["diffchange_p"])
    for contrast, arm in (("within_treated", "trt"), ("within_control", "ctl")):
        within = rows(result, contrast)
        for column, name in {
            "ratio": "gmr",
            "ratio_low": "lo",
            "ratio_high": "hi",
            "statistic": "t",
            "df": "df",
            "p": "p",
            "n_pairs": "n",
        }.items():
            meets(within[column].astype(float), r[f"{arm}_{name}"].astype(float))


def test_counts_and_means(trial, run):
    study, options, r = trial
    ours = rows(run(study, **options, between="welch"), "between")
    for column, name in {
        "n_treated": "n_trt",
        "n_control": "n_ctl",
        "gm_treated": "gm_trt",
        "gm_control": "gm_ctl",
    }.items():
        meets(ours[column].astype(float), r[name].astype(float))


def test_ranks(trial, run):
    study, options, r = trial
    ours = rows(run(study, **options, between="ranks"), "between")
    meets(ours["p"], r["mwu_exact_p"], rtol=1e-10)
    beside = rows(run(study, **options), "between")
    meets(beside["p_rank"], r["mwu_exact_p"], rtol=1e-10)


def test_hodges_lehmann_without_ties(trial, run):
    study, options, r = trial
    day = study.values[study.values["day"] == options["day"]]
    unique = [a for a, v in day.groupby("analyte") if v["given"].dropna().is_unique]
    assert len(unique) > len(r) / 2 or len(r) < 10
    ours = rows(run(study, **options), "between")
    for column, name in {"hl_ratio": "hl_ratio", "hl_low": "hl_lo", "hl_high": "hl_hi"}.items():
        meets(ours[column].loc[unique], r[name].loc[unique])


def test_the_values_of_the_design_page(zilucov, run):
    options = TRIALS["zilucov_d1_d6"]
    result = run(zilucov, **options)
    primary, change = rows(result, "between"), rows(result, "difference_in_change")
    il8 = primary.loc["IL8"]
    assert [f"{il8[c]:.5f}" for c in ("ratio", "ratio_low", "ratio_high")] == [
        "0.60544",
        "0.40676",
        "0.90115",
    ]
    assert f"{il8['p']:.6f}" == "0.014892"
    assert (f"{il8['p_adjusted']:.5f}", f"{il8['q_bh']:.5f}") == ("0.28295", "0.14892")
    assert f"{il8['p_rank']:.6f}" == "0.012753"
    assert [f"{il8[c]:.5f}" for c in UNIQUE_ONLY] == ["0.59083", "0.38816", "0.88469"]
    assert f"{change.loc['IL8', 'p']:.5f}" == "0.16279"
    c5b9 = primary.loc["sC5b-9"]
    assert [f"{c5b9[c]:.5f}" for c in ("ratio", "ratio_low", "ratio_high")] == [
        "0.45138",
        "0.33121",
        "0.61516",
    ]
    assert (f"{c5b9['p']:.5e}", f"{c5b9['p_adjusted']:.4e}") == ("1.00574e-05", "2.0115e-04")
    assert set(primary["family_size"]) == {20}


def test_by_default_a_floor_is_no_number(zilucov, run):
    result = run(zilucov, baseline=1, day=6, reference="control")
    primary = rows(result, "between")
    il12 = primary.loc["IL12"]
    assert il12["label"] == "not analysed"
    assert "not_analysed: 95 % of the values out of range" in il12["flags"]
    assert np.isnan(il12[["p", "p_adjusted", "ratio", "p_rank"]].astype(float)).all()
    assert not np.isnan(il12["p_fisher"])
    assert set(primary["family_size"]) == {19}
    assert primary.loc[["GM-CSF", "IL1B"], "method"].tolist() == ["Tobit", "Tobit"]


def test_by_default_a_floor_that_is_not_declared_is_no_number_either(real, zilucov):
    frame = pd.read_csv(real / "clinical" / "zilucov_long.csv").drop(columns=["floor", "censor"])
    study = Study(frame)
    named = {one.analyte: one.message for one in study.findings if one.code.startswith("floor_")}
    assert list(named) == ["GM-CSF", "IL12", "IL1B"]
    assert "69 of 78 values (88 %)" in named["IL12"]
    assert "68 at 0.11 (1 lower): they count as below it" in named["IL12"]
    assert "they count as measured: fewer than a fifth" in named["GM-CSF"]
    assert "they count as below it" in named["IL1B"]
    il12 = rows(compare(study, baseline=1, day=6, reference="control"), "between").loc["IL12"]
    assert "not_analysed: 95 % of the values out of range" in il12["flags"]
    # R took the numbers as they stand
    kept = compare(study, baseline=1, day=6, reference="control", floors="keep", strata=False)
    r = pd.read_csv(real / "clinical" / "reference_R_zilucov_d1_d6.csv").set_index("analyte")
    primary = rows(kept, "between")
    meets(primary["p"], r["ancova_p"])
    meets(primary["p_adjusted"], r["ancova_holm"])


def test_the_guard_fires_on_supar(zilucov, run):
    result = run(zilucov, baseline=1, day=6, reference="control")
    said = [sentence for sentence in result.guard if sentence.startswith("SUPAR")]
    assert len(said) == 1
    assert "anti-C5 significant: p = 0.031, control not significant: p = 0.41" in said[0]
    assert "p = 0.57" in said[0]
    assert "this pattern is no evidence of a difference" in said[0]
    flagged = result.of("SUPAR")["flags"].str.contains("guard:")
    assert flagged.tolist() == [True, False, True, True]
    assert said[0] in result.methods


def test_the_published_endotoxin_table(real, endotoxin, run):
    published = pd.read_csv(real / "clinical" / "endotoxin_published_effects.csv")
    published = published.set_index(
        published["variable"].str.removeprefix("log ").str.replace("-", "")
    )
    result = run(
        endotoxin,
        baseline=1,
        day=(2, 3),
        reference="placebo",
        between="change",
        substitute="limit",
        adjust="none",
        strata=False,  # the authors' Welch tests take no sex
    )
    ours = rows(result, "between")
    reference = published.loc[ours.index]
    meets(np.log(ours["ratio"]), reference["effect_orig_scale"])
    meets(np.log(ours["ratio_low"]), reference["CI_orig_scale_lower"])
    meets(np.log(ours["ratio_high"]), reference["CI_orig_scale_upper"])
    for column, name in {"statistic": "t", "df": "df"}.items():
        meets(ours[column], reference[name], rtol=1e-12)
    meets(ours["p"], reference["p"], rtol=1e-11)
    # the authors adjusted over all 16 outcomes of the paper, of which five are ours
    family = published["p"].copy()
    family.loc[ours.index] = ours["p"]
    np.testing.assert_allclose(adjust(family, "bh"), published["p_fdr"], rtol=1e-11)


def test_westfall_young_on_the_small_trial(real, run):
    wide = pd.read_csv(real / "clinical" / "maxT_small_input.csv").assign(day=6)
    reference = pd.read_csv(real / "clinical" / "maxT_small_reference_mtmaxT_B0.csv")
    # R took numbers on the floors of IL-12 and IL-1b as they stand
    study = Study(wide, floors="keep")
    result = run(study, baseline=None, day=6, reference="control", between="welch", adjust="maxt")
    ours = rows(result, "between")
    reference = reference.set_index("analyte")
    meets(ours["statistic"], reference["teststat"], rtol=1e-8)
    meets(ours["p_adjusted"], reference["adjp"], rtol=1e-12)
    assert result.table["seed"].isna().all()


def test_by_default_the_small_trial_has_floors(real, run):
    wide = pd.read_csv(real / "clinical" / "maxT_small_input.csv").assign(day=6)
    study = Study(wide)
    named = {one.analyte: one.code for one in study.findings if one.code.startswith("floor_")}
    assert named == {"IL12": "floor_censored", "IL1B": "floor_censored"}
    result = run(study, baseline=None, day=6, reference="control", between="welch")
    outside = rows(result, "between")[["pct_below_treated", "pct_below_control"]].sum(axis=1)
    assert sorted(outside[outside > 0].index) == ["IL12", "IL1B"]
