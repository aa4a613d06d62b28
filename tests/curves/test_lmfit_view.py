"""The lmfit view of a solved curve, and custom models."""

from __future__ import annotations

import subprocess
import sys

import lmfit
import numpy as np
import pytest

from cytokit.curves.lmfit_view import Solution, fit_custom, lmfit_result
from cytokit.curves.logistic import log_concentration, psi
from cytokit.curves.solver import fit_batch, weak_prior
from cytokit.errors import InputError, UsageError

X = np.array([1.0, 4.0, 16.0, 64.0, 256.0, 1024.0])


@pytest.mark.parametrize("orientation", [1, -1])
@pytest.mark.parametrize("with_prior", [True, False])
@pytest.mark.parametrize("model", ["5pl", "4pl"])
def test_same_objective_and_covariance_in_two_evaluations(draw, orientation, with_prior, model):
    x, y, w = draw(41, 10)
    prior = weak_prior(x) if with_prior else None
    fit = fit_batch(x, y, w, prior=prior, orientation=orientation, model=model)
    V = fit.covariance(x, w, prior)
    to_plateaus = np.eye(5)
    to_plateaus[1, 0] = 1.0  # upper = a + s
    compared = 0
    for i in range(10):
        solution = Solution.of(fit, i)
        result = lmfit_result(x, y[:, i], w[:, i], solution, prior)
        assert result.nfev <= 2
        assert result.chisqr == pytest.approx(fit.sse[i], rel=1e-9)
        assert result.params["slope"].value == pytest.approx(fit.slope[i], rel=1e-3)
        assert result.params["inflection"].value == pytest.approx(fit.midpoint[i], rel=1e-3)
        if model == "5pl" and not fit.at_bound[:, i].any():
            expected = to_plateaus @ V[i] @ to_plateaus.T
            scale = np.sqrt(np.outer(np.diag(expected), np.diag(expected)))
            assert result.covar / scale == pytest.approx(expected / scale, abs=2e-3)
            compared += 1
        assert ("k" in solution.fixed) == (model == "4pl" or bool(fit.at_bound[2, i]))
    assert compared >= 5 or model == "4pl"


def test_report_and_confidence_intervals(draw):
    x, y, w = draw(42, 1, noise=0.03)
    prior = weak_prior(x)
    fit = fit_batch(x, y, w, prior=prior)
    result = lmfit_result(x, y[:, 0], w[:, 0], Solution.of(fit), prior)
    assert "asymmetry" in result.fit_report()
    assert result.params["asymmetry"].stderr > 0
    assert not result.scale_covar
    intervals = result.conf_interval(p_names=["lower", "m"], sigmas=[2])
    for name in ("lower", "m"):
        low, middle, high = (value for _, value in intervals[name])
        assert low < middle < high
        # its F test scales by the residuals' own scatter, whatever scale_covar says
        width = 4 * result.params[name].stderr * np.sqrt(result.redchi)
        assert high - low == pytest.approx(width, rel=0.5)


def test_single_wells_give_the_same_curve_as_their_means(draw):
    x, y, w = draw(43, 1)
    prior = weak_prior(x)
    fit = fit_batch(x, y, w, prior=prior)
    wells = np.concatenate([1.02 * y[:, 0], 0.98 * y[:, 0]])
    result = lmfit_result(np.tile(x, 2), wells, np.tile(w[:, 0], 2) / 2, Solution.of(fit), prior)
    pure_error = (w[:, 0] * (0.02 * y[:, 0]) ** 2).sum()
    assert result.chisqr == pytest.approx(fit.sse[0] + pure_error, rel=1e-9)


def test_absent_levels_are_left_out(draw):
    x, y, w = draw(44, 1)
    w[3] = 0.0
    y[3] = np.nan
    fit = fit_batch(x, y, w, prior=weak_prior(x))
    result = lmfit_result(x, y[:, 0], w[:, 0], Solution.of(fit), weak_prior(x))
    assert result.chisqr == pytest.approx(fit.sse[0], rel=1e-9)


def test_no_curve_no_view(draw):
    x, y, w = draw(45, 1)
    w[3:] = 0.0
    fit = fit_batch(x, y, w, prior=weak_prior(x))
    with pytest.raises(InputError, match=r"CK-313: there is no fitted curve"):
        lmfit_result(x, y[:, 0], w[:, 0], Solution.of(fit))


def hyperbola(x, low, top, half):
    return low + top * x / (half + x)


def test_custom_model_is_fitted_and_inverted():
    y = hyperbola(X, 10.0, 5000.0, 80.0)
    curve = fit_custom(
        lmfit.Model(hyperbola), X, y, 1 / (0.05 * y) ** 2, {"low": 1.0, "top": 4e3, "half": 50.0}
    )
    assert curve.result.params["half"].value == pytest.approx(80.0, rel=1e-6)
    assert not curve.result.scale_covar
    inside = np.array([[0.5, 3.0], [200.0, 5000.0]])
    assert curve.invert(curve.predict(inside)) == pytest.approx(inside, rel=1e-9)
    assert curve.x_low == pytest.approx(0.1)
    assert curve.x_high == pytest.approx(10240.0)
    assert curve.invert([0.0, 1e5]).tolist() == [0.0, np.inf]
    assert np.isnan(curve.invert([np.nan])).all()


def test_custom_falling_model_and_parameters_object():
    model = lmfit.Model(lambda t, a, b: a - b * np.log(t))
    params = model.make_params(a=1.0, b=1.0)
    y = 900.0 - 100.0 * np.log(X)
    weights = np.r_[0.0, np.ones(5)]
    curve = fit_custom(model, X, np.r_[np.nan, y[1:]], weights, params)
    assert curve.invert(curve.predict([10.0])) == pytest.approx([10.0])
    assert curve.invert([1e6, -1e6]).tolist() == [0.0, np.inf]


def test_custom_logistic_agrees_with_the_kernel(draw):
    x, y, w = draw(46, 1)
    fit = fit_batch(x, y, w)

    def logistic(x, a, s, m, eta, k):
        return a + s * psi(log_concentration(x), np.array([m, eta, k]))

    start = dict(
        zip(("a", "s", "m", "eta", "k"), [fit.a[0], fit.s[0], *fit.theta[:, 0]], strict=True)
    )
    curve = fit_custom(lmfit.Model(logistic), x, y[:, 0], w[:, 0], start)
    assert curve.result.chisqr <= fit.sse[0] * (1 + 1e-6)


def test_custom_models_that_make_no_sense_are_refused():
    y = hyperbola(X, 10.0, 5000.0, 80.0)
    start = {"low": 1.0, "top": 4e3, "half": 50.0}
    with pytest.raises(UsageError, match=r"CK-310: the curve model is <function"):
        fit_custom(hyperbola, X, y, np.ones(6), start)
    two = lmfit.Model(lambda x, z, a: a * x * z, independent_vars=["x", "z"])
    with pytest.raises(UsageError, match=r"CK-310.*\n.*one independent variable"):
        fit_custom(two, X, y, np.ones(6), {"a": 1.0})
    with pytest.raises(UsageError, match=r"CK-311: no start value for half"):
        fit_custom(lmfit.Model(hyperbola), X, y, np.ones(6), {"low": 1.0, "top": 4e3})
    with pytest.raises(InputError, match=r"CK-312: Model\(broken\) could not be fitted.*NaN"):
        fit_custom(lmfit.Model(broken), X, y, np.ones(6), {"a": 1.0})
    hump = lmfit.Model(lambda x, a, b: a - (np.log(x) - b) ** 2)
    with pytest.raises(InputError, match=r"CK-314: .* is not monotone between 1 and 1024"):
        fit_custom(hump, X, 5 - (np.log(X) - 3) ** 2, np.ones(6), {"a": 1.0, "b": 1.0})


def broken(x, a):
    return a * np.full(np.shape(x), np.nan)


def test_fitting_plates_does_not_import_lmfit():
    code = "import sys, cytokit.curves.platefit; sys.exit('lmfit' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
