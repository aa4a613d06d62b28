"""NIST's certified problems and curves that solvers are known to fail on."""

from __future__ import annotations

from decimal import Decimal, getcontext

import numpy as np
import pytest

from cytokit.curves.logistic import log_midpoint, natural, response
from cytokit.curves.solver import SearchOutcome, fit_batch, weak_prior

# NIST StRD nonlinear regression, https://www.itl.nist.gov/div898/strd/nls/data/rat{42,43}.shtml
RAT42_X = np.array([9, 14, 21, 28, 42, 57, 63, 70, 79.0])
RAT42_Y = np.array([8.93, 10.8, 18.59, 22.33, 39.35, 56.11, 61.73, 64.62, 67.08])
RAT43_X = np.arange(1.0, 16.0)
RAT43_Y = np.array(
    [
        *(16.08, 33.83, 65.80, 97.20, 191.55, 326.20, 386.87, 520.53),
        *(590.03, 651.92, 724.93, 699.56, 689.96, 637.56, 717.41),
    ]
)
PINNED = (
    1e15  # weight of the extra level at concentration 0: a response of 0, as NIST's models have
)


def nist(x, y, model):
    """NIST's growth curves are ours over e^x, orientation -, with the lower plateau at 0."""
    levels = np.r_[0.0, np.exp(x)]
    responses = np.r_[0.0, y][:, None]
    return fit_batch(
        levels, responses, np.r_[PINNED, np.ones(x.size)][:, None], orientation=-1, model=model
    )


def test_nist_rat43():
    fit = nist(RAT43_X, RAT43_Y, "5pl")
    b, _, g = natural(fit.theta)
    log_c = log_midpoint(fit.theta, -1)
    assert fit.converged[0]
    assert fit.sse[0] == pytest.approx(8786.4049080, rel=1e-10)
    assert fit.upper[0] == pytest.approx(699.64151270, rel=1e-5)
    assert (b * log_c)[0] == pytest.approx(5.2771253025, rel=1e-5)
    assert b[0] == pytest.approx(0.75962938329, rel=1e-5)
    assert 1 / g[0] == pytest.approx(1.2792483859, rel=1e-5)


def test_nist_rat42():
    # a tenth of NIST's x, so that the slope lies where immunoassays have theirs
    fit = nist(0.1 * RAT42_X, RAT42_Y, "4pl")
    b, log_c, _ = natural(fit.theta)
    assert fit.converged[0]
    assert fit.sse[0] == pytest.approx(8.0565229338, rel=1e-10)
    assert fit.upper[0] == pytest.approx(72.462237576, rel=1e-6)
    assert (b * log_c)[0] == pytest.approx(2.6180768402, rel=1e-6)
    assert 0.1 * b[0] == pytest.approx(0.067359200066, rel=1e-6)


X = np.r_[0.0, 10000 / 4.0 ** np.arange(8)[::-1]]
SMOOTH = response(X, 20.0, 12020.0, 1.2, np.exp(5.0), 0.7) * (
    1 + 0.06 * np.random.default_rng(1).standard_normal(9)
)
FLAT_NOISE = 50 + 5 * np.random.default_rng(2).standard_normal(9)
NAMED = {
    "smooth": SMOOTH,
    "decreasing": SMOOTH[::-1],
    "power law without a plateau": 5 + 0.3 * X**0.9,
    "step between two levels": np.r_[np.full(5, 20.0), np.full(4, 9000.0)],
    "flat": np.full(9, 50.0),
    "flat with noise": FLAT_NOISE,
    "hook at the top": np.r_[SMOOTH[:-1], 0.5 * SMOOTH[-2]],
    "one level absent": np.r_[SMOOTH[:3], np.nan, SMOOTH[4:]],
    "five levels, no blank": np.where(np.isin(np.arange(9), [1, 3, 5, 7, 8]), SMOOTH, np.nan),
    "four levels and a blank": np.where(np.isin(np.arange(9), [0, 2, 4, 6, 8]), SMOOTH, np.nan),
    "negative blank": SMOOTH - 25.0,
    "saturated top": np.minimum(SMOOTH, 4000.0),
    "zeros at the bottom": np.where(SMOOTH < 30, 0.0, SMOOTH),
    "exact, g = .3": response(X, 20.0, 12020.0, 2.0, np.exp(6.0), 0.3),
    "exact, g = 3": response(X, 20.0, 12020.0, 0.7, np.exp(6.0), 3.0),
    "top well a thousandfold": np.r_[SMOOTH[:-1], 1000 * SMOOTH[-1]],
}


def weights(y):
    return np.where(np.isfinite(y), (np.maximum(np.abs(np.nan_to_num(y)), 1.0) * 0.07) ** -2, 0.0)


def check_named(name, prior, orientation, oracle, **effort):
    """The kernel is at, or below, the best point of the exhaustive search."""
    y, w = NAMED[name], weights(NAMED[name])
    known = weak_prior(X) if prior else None
    fit = fit_batch(X, y[:, None], w[:, None], prior=known, orientation=orientation)
    best = oracle(X, y, w, known, orientation, **effort)
    assert fit.converged[0]
    rounding = 1e-16 * np.nansum(w * y**2)  # all that is left of an exact fit
    assert fit.sse[0] <= best.sse * (1 + 1e-6) + rounding
    assert fit.outcome[0] == (SearchOutcome.FLAT if name == "flat" else SearchOutcome.FITTED)


@pytest.mark.parametrize("name", NAMED)
def test_named_case_reaches_the_exhaustive_optimum(name, oracle):
    check_named(name, True, 1, oracle)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMED)
@pytest.mark.parametrize("orientation", [1, -1])
@pytest.mark.parametrize("prior", [True, False], ids=["weak", "none"])
def test_named_case_against_a_longer_search(name, prior, orientation, oracle):
    check_named(name, prior, orientation, oracle, n_starts=12, max_nfev=400)


@pytest.mark.parametrize("name", NAMED)
def test_named_case_has_a_status_whatever_is_asked(name):
    y, w = NAMED[name][:, None], weights(NAMED[name])[:, None]
    for prior in (weak_prior(X), None):
        for orientation in (1, -1):
            for model in ("5pl", "4pl"):
                fit = fit_batch(X, y, w, prior=prior, orientation=orientation, model=model)
                assert fit.converged[0]
                assert np.isfinite(fit.predict(X)).all()
                assert not np.isnan(fit.invert(np.linspace(-50.0, 20000.0, 40)[:, None])).any()


def test_exact_curves_give_their_parameters_back():
    names = ["exact, g = .3", "exact, g = 3"]
    y = np.stack([NAMED[name] for name in names], axis=1)
    fit = fit_batch(X, y, weights(y))
    assert fit.sse == pytest.approx([0.0, 0.0], abs=1e-12)
    assert fit.asymmetry == pytest.approx([0.3, 3.0], rel=1e-5)
    assert fit.slope == pytest.approx([2.0, 0.7], rel=1e-5)
    assert fit.lower == pytest.approx([20.0, 20.0], rel=1e-6)
    assert fit.upper == pytest.approx([12020.0, 12020.0], rel=1e-5)


def exact_objective(x, y, w, a, s, theta):
    """The plain weighted sum of squares in 40 digits."""
    getcontext().prec = 40
    m, eta, k = (Decimal(float(v)) for v in theta)
    g = k.exp()
    b = (eta + (1 + g) * (1 + 1 / g).ln()).exp()
    total = Decimal(0)
    for xi, yi, wi in zip(x, y, w, strict=True):
        f = Decimal(0)
        if xi > 0:
            t = b * (Decimal(float(xi)).ln() - m) - k
            f = 1 - (-g * (1 + t.exp()).ln()).exp()
        residual = Decimal(float(yi)) - Decimal(float(a)) - Decimal(float(s)) * f
        total += Decimal(float(wi)) * residual * residual
    return total


def test_the_optimum_holds_in_40_digits(draw):
    """The objective agrees with 40-digit arithmetic, and no small move in 40 digits lowers it."""
    x, y, w = draw(31, 12)
    fit = fit_batch(x, y, w)
    checked = 0
    for i in np.flatnonzero(~fit.at_bound.any(axis=0)):
        point = [fit.a[i], fit.s[i], *fit.theta[:, i]]

        def objective(p, i=i):
            return exact_objective(x, y[:, i], w[:, i], p[0], p[1], p[2:])

        here = objective(point)
        assert float(here) == pytest.approx(fit.sse[i], rel=1e-11)
        V = fit.covariance(x, w)[i]
        steps = np.linalg.cholesky(V).T  # moves that cost one unit each
        for step in (*steps, *-steps):
            moved = objective(list(np.array(point) + 1e-4 * step))
            assert float((moved - here) / here) > -1e-9
        checked += 1
    assert checked >= 6
