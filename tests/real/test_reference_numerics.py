"""Every number that R gives on the two trials and that a kernel here has a counterpart for."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cytokit.trial.mixed import mixed_model
from cytokit.trial.multiplicity import adjust
from cytokit.trial.permutation import EXACT_LIMIT, max_t
from cytokit.trial.ranks import (
    doubled_midranks,
    gehan,
    hodges_lehmann,
    normal_p,
    rank_sum,
    signed_rank,
)
from cytokit.trial.summary import ros
from cytokit.trial.tobit import SEPARATED, tobit

pytestmark = pytest.mark.real


@dataclass(frozen=True)
class Analyte:
    """One analyte of one trial with R's answers."""

    name: str
    rows: pd.DataFrame
    days: tuple[int, int]
    treated: str
    answers: pd.Series

    def arms(self) -> tuple[np.ndarray, np.ndarray]:
        """Values of the later day, treated and control."""
        late = self.rows[self.rows.day == self.days[1]]
        of_treated = late.group == self.treated
        return late.y[of_treated].to_numpy(), late.y[~of_treated].to_numpy()

    def changes(self, treated: bool) -> np.ndarray:
        """Paired differences, later less earlier day, of one arm, in the unit of the values."""
        rows = self.rows[(self.rows.group == self.treated) == treated]
        wide = rows.pivot_table(index="subject", columns="day", values="y")[
            list(self.days)
        ].dropna()
        return (wide[self.days[1]] - wide[self.days[0]]).to_numpy()


@dataclass(frozen=True)
class Trial:
    """A trial with R's table."""

    name: str
    analytes: tuple[Analyte, ...]
    answers: pd.DataFrame


def trial(folder: Path, name: str) -> Trial:
    """The trial with values, limits and arms named alike."""
    if name == "endotoxin":
        table = pd.read_csv(folder / "endotoxin_long.csv").rename(columns={"time": "day"})
        table["y"] = np.maximum(table.conc_pg_ml, table.lod)
        days, treated, answers = (1, 2), "Endotoxin", "reference_R_endotoxin_t1_t2.csv"
    else:
        table = pd.read_csv(folder / "zilucov_long.csv")
        table["y"] = table.conc
        days, treated, answers = (1, 6), "anti-C5", "reference_R_zilucov_d1_d6.csv"
    table = table[table.day.isin(days) & table.y.notna()]
    frame = pd.read_csv(folder / answers).set_index("analyte")
    analytes = tuple(
        Analyte(str(analyte), table[table.analyte == analyte], days, treated, row)
        for analyte, row in frame.iterrows()
    )
    return Trial(name, analytes, frame)


@pytest.fixture(scope="module", params=["endotoxin", "zilucov"])
def study(request: pytest.FixtureRequest, real: Path) -> Trial:
    """Either trial."""
    return trial(real / "clinical", request.param)


def compare_all(study: Trial, ours: Callable[[Analyte], dict[str, float]], rel: float) -> None:
    """Ours against R's, analyte by analyte; all differences are reported together."""
    wrong = []
    for analyte in study.analytes:
        for column, value in ours(analyte).items():
            expected = float(analyte.answers[column])
            if value != pytest.approx(expected, rel=rel, abs=1e-300):
                wrong.append(f"{analyte.name} {column}: {value!r}, R says {expected!r}")
    assert not wrong, "\n".join(wrong)


def test_exact_rank_sum(study: Trial) -> None:
    def ours(analyte: Analyte) -> dict[str, float]:
        result = rank_sum(*analyte.arms())
        assert result.exact
        return {"mwu_exact_p": result.p, "mwu_W": result.statistic}

    compare_all(study, ours, 1e-10)


def test_rank_sum_by_normal_approximation(study: Trial) -> None:
    def ours(analyte: Analyte) -> dict[str, float]:
        x, y = analyte.arms()
        scores = doubled_midranks(np.concatenate((x, y)))
        return {"mwu_asym_cc_p": normal_p(scores, np.arange(scores.size) < x.size, 1.0)}

    compare_all(study, ours, 1e-9)


def test_hodges_lehmann_without_ties(study: Trial) -> None:
    def ours(analyte: Analyte) -> dict[str, float]:
        shift = hodges_lehmann(*(np.log(arm) for arm in analyte.arms()))
        if not shift.exact:
            return {}
        return dict(zip(("hl_ratio", "hl_lo", "hl_hi"), np.exp([*shift]), strict=True))

    compare_all(study, ours, 1e-10)


def test_hodges_lehmann_with_ties_within_the_tolerance_of_rs_root_search(study: Trial) -> None:
    seen = 0
    for analyte in study.analytes:
        x, y = (np.log(arm) for arm in analyte.arms())
        shift = hodges_lehmann(x, y)
        if shift.exact:
            continue
        seen += 1
        expected = np.log(analyte.answers[["hl_ratio", "hl_lo", "hl_hi"]].to_numpy(dtype=float))
        np.testing.assert_allclose([shift.low, shift.high], expected[1:], atol=1.01e-4)
        # Where the standardised statistic is 0 over a stretch, R stops anywhere within it: its
        # estimate lies between the differences next to the median, which is ours.
        differences = np.sort(np.subtract.outer(x, y), axis=None)
        middle = differences.size // 2
        near = differences[middle - 2 : middle + 3]
        assert near[0] - 1.01e-4 <= expected[0] <= near[-1] + 1.01e-4, analyte.name
        assert shift.estimate == np.median(differences)
    assert seen >= 3


def test_exact_signed_rank(study: Trial) -> None:
    # R ranks unrounded differences: 0.3 - 0.1 and 0.4 - 0.2 are no tie to it. A large unit keeps
    # our rounding from seeing the ties, and R's numbers are met.
    def ours(analyte: Analyte) -> dict[str, float]:
        found = {}
        for arm, treated in (("trt", True), ("ctl", False)):
            unrounded = analyte.changes(treated) * 2.0**40
            found[f"{arm}_p_wsr_exact"] = signed_rank(unrounded).p
            found[f"{arm}_p_pratt_exact"] = signed_rank(unrounded, zero_method="pratt").p
            found[f"{arm}_nzero"] = unrounded.size - signed_rank(unrounded).n_used
        return found

    compare_all(study, ours, 1e-10)


def test_rounding_moves_the_signed_rank_only_where_r_misses_ties(study: Trial) -> None:
    moved = {
        (analyte.name, treated)
        for analyte in study.analytes
        for treated in (True, False)
        if signed_rank(analyte.changes(treated)).p
        != pytest.approx(
            analyte.answers["trt_p_wsr_exact" if treated else "ctl_p_wsr_exact"], rel=1e-9
        )
    }
    assert moved == ({("IL8", False), ("TNF", False)} if study.name == "endotoxin" else set())


@pytest.mark.parametrize("column", ["ancova", "welch"])
@pytest.mark.parametrize("method", ["bonferroni", "holm", "hochberg", "hommel", "BH", "BY"])
def test_adjusted_p_values(study: Trial, column: str, method: str) -> None:
    ours = adjust(study.answers[f"{column}_p"].to_numpy(), method.lower())
    np.testing.assert_allclose(ours, study.answers[f"{column}_{method}"], rtol=1e-12, atol=1e-300)


def test_tobit(study: Trial) -> None:
    def ours(analyte: Analyte) -> dict[str, float]:
        late = analyte.rows[analyte.rows.day == analyte.days[1]]
        y, below = np.log(late.y.to_numpy()), (late.censor == "<").to_numpy()
        arm = (late.group == analyte.treated).to_numpy(dtype=float)
        fit = tobit(np.where(below, -math.inf, y), y, np.column_stack((np.ones(y.size), arm)))
        assert analyte.answers.pct_cens == pytest.approx(fit.n_below / y.size)
        if not fit.converged:
            # An arm wholly at its floor: R prints a ratio of exp(17) with a standard error of
            # 11,641 and no word about it.
            assert fit.reason == SEPARATED
            assert analyte.answers.tobit_se > 1000
            return {}
        wald = fit.test([0, 1], law="normal")
        return {
            "tobit_logratio": wald.estimate,
            "tobit_se": wald.se,
            "tobit_scale": fit.scale,
            "tobit_p": wald.p,
        }

    compare_all(study, ours, 1e-6)


def _long(analyte: Analyte) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """ln values, subjects, the design group x day, and the day."""
    arm = (analyte.rows.group == analyte.treated).to_numpy(dtype=float)
    late = (analyte.rows.day == analyte.days[1]).to_numpy(dtype=float)
    design = np.column_stack((np.ones(arm.size), arm, late, arm * late))
    return np.log(analyte.rows.y.to_numpy()), analyte.rows.subject.to_numpy(), design, late


def test_random_intercept_with_kenward_roger_and_satterthwaite(study: Trial) -> None:
    def ours(analyte: Analyte) -> dict[str, float]:
        y, subject, design, _ = _long(analyte)
        kenward = mixed_model(y, subject, design, [0, 0, 0, 1])
        satterthwaite = mixed_model(y, subject, design, [0, 0, 0, 1], df="satterthwaite")
        return {
            "lmer_int": kenward.estimate,
            "lmer_se": kenward.se,
            "kr_df": kenward.df,
            "kr_p": kenward.p,
            "satt_df": satterthwaite.df,
            "satt_p": satterthwaite.p,
        }

    compare_all(study, ours, 1e-5)


def test_unstructured_covariance(study: Trial) -> None:
    def ours(analyte: Analyte) -> dict[str, float]:
        y, subject, design, late = _long(analyte)
        fit = mixed_model(
            y,
            subject,
            design,
            [0, 0, 0, 1],
            visit=late,
            covariance="unstructured",
            df="satterthwaite",
        )
        return {"gls_un_int": fit.estimate, "gls_un_se": fit.se, "gls_un_t": fit.t}

    compare_all(study, ours, 1e-5)


def test_gehan_reduces_to_the_exact_rank_sum_at_a_single_limit(study: Trial) -> None:
    single = 0
    for analyte in study.analytes:
        late = analyte.rows[analyte.rows.day == analyte.days[1]]
        below = late.censor == "<"
        limits = late.y[below].unique()
        if len(limits) != 1 or (late.y[~below] < limits[0]).any():
            continue
        single += 1
        low = np.where(below, -math.inf, late.y)
        arm = (late.group == analyte.treated).to_numpy()
        high = late.y.to_numpy()
        # "<5" ties with "<5" but a value of 5 is above it: the limit is moved just below.
        tied = np.where(below, limits[0] * (1 - 1e-9), high)
        result = gehan(low[arm], high[arm], low[~arm], high[~arm])
        assert result.p == pytest.approx(rank_sum(tied[arm], tied[~arm]).p, rel=1e-10)
    assert single >= 2


ZILUCOV = ["CXCL10", "G-CSF", "GM-CSF", "IFNG", "IL10", "IL12", "IL18", "IL1B"]
ZILUCOV += ["IL1RA", "IL6", "IL8", "TNF", "sC5b-9"]


def test_max_t_and_min_p_over_all_252_arrangements(real: Path) -> None:
    table = pd.read_csv(real / "clinical" / "maxT_small_input.csv")
    answers = pd.read_csv(real / "clinical" / "maxT_small_reference_mtmaxT_B0.csv")
    answers = answers.set_index("analyte").loc[ZILUCOV]
    values, treated = np.log(table[ZILUCOV].to_numpy()), (table.group == "anti-C5").to_numpy()
    largest, smallest = max_t(values, treated), max_t(values, treated, step="minp")
    assert (largest.exact, largest.draws) == (True, 252)
    np.testing.assert_allclose(largest.statistic, answers.teststat, rtol=1e-10)
    np.testing.assert_allclose(largest.p_raw, answers.rawp, rtol=1e-10)
    np.testing.assert_allclose(largest.p_adjusted, answers.adjp, rtol=1e-10)
    np.testing.assert_allclose(smallest.p_raw, answers.rawp, rtol=1e-10)
    np.testing.assert_allclose(smallest.p_adjusted, answers.minP_adj, rtol=1e-10)
    by_name = dict(zip(ZILUCOV, largest.p_adjusted, strict=True))
    assert by_name["IL8"] == pytest.approx(0.3492063, abs=5e-8)
    assert by_name["TNF"] == pytest.approx(0.5793651, abs=5e-8)


def test_max_t_drawn_agrees_with_multtest(real: Path) -> None:
    table = pd.read_csv(real / "clinical" / "zilucov_long.csv")
    wide = table[(table.day == 6) & table.analyte.isin(ZILUCOV)].pivot_table(
        index=["subject", "group"], columns="analyte", values="conc"
    )[ZILUCOV]
    wide = wide.dropna().reset_index("group")
    answers = pd.read_csv(real / "clinical" / "maxT_full_reference_mtmaxT_B1e5.csv")
    answers = answers.set_index("analyte").loc[ZILUCOV]
    values, treated = np.log(wide[ZILUCOV].to_numpy()), (wide.group == "anti-C5").to_numpy()
    result = max_t(values, treated, draws=100_000, seed=1)
    assert (result.exact, result.draws, result.seed) == (False, 100_000, 1)
    assert EXACT_LIMIT == 10**6
    np.testing.assert_allclose(result.statistic, answers.teststat, rtol=1e-10)
    for ours, rs in ((result.p_raw, answers.rawp), (result.p_adjusted, answers.adjp)):
        p = rs.to_numpy()
        error = np.sqrt(2 * np.maximum(p, 1e-5) * (1 - p) / 100_000)
        assert (np.abs(ours - p) <= 4 * error + 1e-5).all()


@pytest.fixture(scope="module")
def teaching(real: Path) -> Path:
    """The left-censored teaching sets."""
    return real / "clinical" / "nada_worked"


def peto_peto(values: np.ndarray, below: np.ndarray, first: np.ndarray) -> tuple[float, float]:
    """R's survdiff(rho = 1) on flipped values: the oracle beside which Gehan's test is held."""
    times, event = -values, ~below
    survival, difference, variance = 1.0, 0.0, 0.0
    for time in np.unique(times[event]):
        risk, dead = times >= time, (times == time) & event
        n, d = risk.sum(), dead.sum()
        share = (risk & first).sum() / n
        weight = survival
        difference += weight * ((dead & first).sum() - d * share)
        if n > 1:
            variance += weight**2 * d * share * (1 - share) * (n - d) / (n - 1)
        survival *= 1 - d / n
    chi2 = difference**2 / variance
    return chi2, math.erfc(math.sqrt(chi2 / 2))


def test_gehan_beside_peto_peto_on_several_limits(teaching: Path) -> None:
    zinc = pd.read_csv(teaching / "CuZn.csv")
    atrazine = pd.read_csv(teaching / "Atrazine.csv")
    cases: Iterator[tuple[pd.DataFrame, str, str, str, float, float]] = iter(
        [
            (zinc, "Zn", "ZnCen", "Zone", 5.18345, 0.0228),
            (zinc, "Cu", "CuCen", "Zone", 0.532279, 0.4657),
            (atrazine, "Atra", "AtraCen", "Month", 6.63579, 0.009995),
        ]
    )
    for table, value, censored, group, chi2, p in cases:
        rows = table[table[value].notna()]
        y, below = rows[value].to_numpy(), rows[censored].to_numpy(dtype=bool)
        first = (rows[group] == rows[group].iloc[0]).to_numpy()
        assert peto_peto(y, below, first) == pytest.approx((chi2, p), rel=2e-3)
        low = np.where(below, -math.inf, y)
        result = gehan(low[first], y[first], low[~first], y[~first])
        # Another test of the same hypothesis: the same side of .05, p of the same size.
        assert (result.p < 0.05) == (p < 0.05)
        assert abs(math.log(result.p / p)) < math.log(2)


@pytest.mark.parametrize(
    ("file", "value", "expected"),
    [
        ("ShePyrene.csv", "Pyrene", (163.2493658, 393.1068203, 90.5)),
        ("Oahu.csv", "As", (0.97246324, 0.71801225, 0.7)),
    ],
)
def test_regression_on_order_statistics(
    teaching: Path, file: str, value: str, expected: tuple[float, float, float]
) -> None:
    table = pd.read_csv(teaching / file)
    summary = ros(table[value].to_numpy(), table[f"{value}Cen"].to_numpy())
    assert (summary.mean, summary.sd, summary.median) == pytest.approx(expected, rel=1e-7)
