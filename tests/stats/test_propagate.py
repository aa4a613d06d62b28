"""The assay's uncertainty: Rubin's rules, and draws that do not count the error twice."""

from __future__ import annotations

import numpy as np
import pytest

from cytokit.trial.propagate import imputed, rubin
from cytokit.trial.values import AnalyteData, Cells, Subjects


def measured(n, sd, seed=1):
    rng = np.random.default_rng(seed)
    own = rng.normal(size=n)
    truth = np.column_stack([own, own - 0.5]) + rng.normal(size=(n, 2)) * 0.5
    seen = truth + rng.normal(size=(n, 2)) * sd
    no = np.zeros(n, dtype=bool)
    base, day = (Cells(seen[:, j], seen[:, j], np.full(n, sd), no) for j in (0, 1))
    names = np.array([f"S{i}" for i in range(n)])
    group = np.where(np.arange(n) % 2 == 0, "a", "b")
    return truth, AnalyteData("x", "", Subjects(names, group, group, no), base, day)


def test_rubins_rules_by_hand():
    estimates, variances = np.array([0.5, 0.7, 0.6, 0.4]), np.array([0.04, 0.05, 0.04, 0.03])
    pooled = rubin(estimates, variances, 21.0)
    b = 1.25 * estimates.var(ddof=1)
    t = 0.04 + b
    share = b / t
    observed = 22 / 24 * 21 * (1 - share)
    assert pooled.difference == pytest.approx(0.55)
    assert pooled.se == pytest.approx(np.sqrt(t))
    assert pooled.share == pytest.approx(share)
    assert pooled.df == pytest.approx(1 / (share**2 / 3 + 1 / observed))


def test_rubin_without_variance_between_is_the_complete_data_test():
    pooled = rubin(np.full(10, 2.0), np.full(10, 1.0), 20)
    assert (pooled.difference, pooled.se, pooled.share) == (2.0, 1.0, 0.0)
    assert pooled.df == pytest.approx(21 / 23 * 20)


def test_drawn_values_have_the_spread_of_the_truth():
    """The measured values are wider than the true ones; the drawn ones are not."""
    truth, data = measured(2000, sd=0.8)
    drawn = imputed(data, data.subjects.group, np.random.default_rng(2))
    for cells, column, seen in ((drawn.base, 0, data.base), (drawn.day, 1, data.day)):
        assert cells.lower.std() == pytest.approx(truth[:, column].std(), rel=0.06)
        assert seen.lower.std() > 1.15 * truth[:, column].std()
    change = (drawn.day.lower - drawn.base.lower).std()
    assert change == pytest.approx((truth[:, 1] - truth[:, 0]).std(), rel=0.1)


def test_the_pooled_variance_is_the_plain_one_and_the_share_is_the_assays():
    _, data = measured(400, sd=0.6)
    a = data.subjects.group == "a"
    rng = np.random.default_rng(3)
    drawn = [imputed(data, data.subjects.group, rng).day.lower for _ in range(200)]
    estimates = np.array([d[a].mean() - d[~a].mean() for d in drawn])
    variances = np.array(
        [d[a].var(ddof=1) / a.sum() + d[~a].var(ddof=1) / (~a).sum() for d in drawn]
    )
    pooled = rubin(estimates, variances, 398.0)
    y = data.day.lower
    plain = np.sqrt(y[a].var(ddof=1) / a.sum() + y[~a].var(ddof=1) / (~a).sum())
    assert pooled.se == pytest.approx(plain, rel=0.08)
    assert pooled.share == pytest.approx(0.36 / y[a].var(), abs=0.06)


def test_values_without_an_error_stay_as_they_are():
    _, data = measured(10, sd=0.3)
    unknown = np.full(10, np.nan)
    data = AnalyteData(
        "x",
        "",
        data.subjects,
        data.base,
        Cells(data.day.lower, data.day.upper, unknown, data.day.substituted),
    )
    drawn = imputed(data, data.subjects.group, np.random.default_rng(0))
    np.testing.assert_array_equal(drawn.day.lower, data.day.lower)
    assert not np.array_equal(drawn.base.lower, data.base.lower)
