"""fit_batch: contracts, independence, units, what it refuses."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cytokit.curves import solver as batch_module
from cytokit.curves.logistic import MODELS
from cytokit.curves.solver import Prior, SearchOutcome, fit_batch, weak_prior
from cytokit.errors import InputError, UsageError

FIELDS = ("theta", "a", "s", "sse", "outcome", "iterations", "at_bound")
MODES = [(1, True), (1, False), (-1, True), (-1, False)]


def the_prior(x, wanted):
    return weak_prior(x) if wanted else None


@pytest.mark.parametrize(("orientation", "prior"), MODES)
def test_reaches_the_optimum_of_an_independent_search(draw, oracle, orientation, prior):
    x, y, w = draw(11, 4)
    fit = fit_batch(x, y, w, orientation=orientation, prior=the_prior(x, prior))
    assert fit.converged.all()
    for i in range(4):
        best = oracle(x, y[:, i], w[:, i], the_prior(x, prior), orientation)
        assert fit.sse[i] <= best.sse * (1 + 1e-8)
        assert fit.sse[i] >= best.sse * (1 - 1e-6)
        if not fit.at_bound[:, i].any():
            assert fit.theta[:, i] == pytest.approx(best.theta, abs=2e-3)


def test_4pl_has_its_asymmetry_frozen_and_reaches_its_own_optimum(draw, oracle):
    x, y, w = draw(12, 4)
    fit = fit_batch(x, y, w, prior=weak_prior(x), model="4pl")
    other = fit_batch(x, y, w, prior=weak_prior(x), model="4pl", orientation=-1)
    assert fit.asymmetry.tolist() == [1.0] * 4
    assert not fit.at_bound[2].any()
    assert other.sse == pytest.approx(fit.sse, rel=1e-8)  # at g = 1 the families meet
    for i in range(4):
        best = oracle(x, y[:, i], w[:, i], weak_prior(x), model="4pl")
        assert fit.sse[i] == pytest.approx(best.sse, rel=1e-8)
    V = fit.covariance(x, w, weak_prior(x))
    assert not V[:, 4].any()
    assert (np.diagonal(V, axis1=1, axis2=2)[:, :4] > 0).all()


def test_objective_is_what_it_says(draw):
    x, y, w = draw(13, 5)
    prior = weak_prior(x)
    fit = fit_batch(x, y, w, prior=prior)
    residual = y - fit.predict(x)
    penalty = (prior.precision * (fit.theta - prior.mean) ** 2).sum(axis=0)
    assert fit.sse == pytest.approx((w * residual**2).sum(axis=0) + penalty, rel=1e-10)
    # a and s are the weighted line through the shape: residuals are orthogonal to both
    J = fit.jacobian(x)
    for column in J[:2]:
        scale = np.sqrt((w * column**2).sum(axis=0) * (w * y**2).sum(axis=0))
        assert np.abs((w * residual * column).sum(axis=0) / scale).max() < 1e-12


@pytest.mark.parametrize("orientation", [1, -1])
def test_jacobian_agrees_with_differences_of_predict(draw, orientation):
    x, y, w = draw(14, 3)
    fit = fit_batch(x, y, w, prior=weak_prior(x), orientation=orientation)
    J = fit.jacobian(x)
    assert J.shape == (5, x.size, 3)
    for j in range(3):
        up, down = fit.theta.copy(), fit.theta.copy()
        up[j] += 1e-6
        down[j] -= 1e-6
        fields = {name: getattr(fit, name) for name in (*FIELDS[1:], "orientation", "model")}
        slope = (
            type(fit)(theta=up, **fields).predict(x) - type(fit)(theta=down, **fields).predict(x)
        ) / 2e-6
        assert J[2 + j] == pytest.approx(slope, rel=1e-5, abs=1e-3)


@pytest.mark.parametrize("orientation", [1, -1])
def test_invert_undoes_predict(draw, orientation):
    x, y, w = draw(15, 8)
    fit = fit_batch(x, y, w, prior=weak_prior(x), orientation=orientation)
    inside = np.exp(fit.theta[0] + np.linspace(-2.0, 2.0, 7)[:, None])
    assert np.exp(fit.invert(fit.predict(inside))) == pytest.approx(inside, rel=1e-7)
    below, above = fit.lower - 1.0, np.maximum(fit.upper, fit.lower) + 1.0
    assert (fit.invert(below) == -np.inf).all()
    assert (fit.invert(above) == np.inf).all()
    assert np.isnan(fit.invert(np.full(8, np.nan))).all()


@pytest.mark.parametrize(("orientation", "prior"), MODES)
def test_order_and_company_do_not_matter(draw, monkeypatch, orientation, prior):
    x, y, w = draw(16, 60, noise=0.15)
    y[:, 7] = 50.0
    w[3:8, 9] = 0.0
    rng = np.random.default_rng(5)
    whole = fit_batch(x, y, w, prior=the_prior(x, prior), orientation=orientation)

    def same(part, index):
        for name in FIELDS:
            expected = getattr(whole, name)[..., index]
            assert getattr(part, name) == pytest.approx(expected, rel=1e-9, abs=1e-9, nan_ok=True)

    order = rng.permutation(60)
    again = fit_batch(
        x, y[:, order], w[:, order], prior=the_prior(x, prior), orientation=orientation
    )
    same(again, order)
    for index in ([0], [7], [9], [41], [3, 50, 12], list(range(20, 45))):
        some = fit_batch(
            x, y[:, index], w[:, index], prior=the_prior(x, prior), orientation=orientation
        )
        same(some, index)
    monkeypatch.setattr(batch_module, "CHUNK", 17)
    same(fit_batch(x, y, w, prior=the_prior(x, prior), orientation=orientation), slice(None))


def test_a_curve_without_prior_does_not_change_its_neighbours(draw):
    x, y, w = draw(17, 12, noise=0.15)
    weak = weak_prior(x)
    mean, precision = weak.spread(12)
    precision[:, 4] = 0.0
    mixed = fit_batch(x, y, w, prior=Prior(mean, precision))
    all_weak, none = fit_batch(x, y, w, prior=weak), fit_batch(x, y, w)
    others = [i for i in range(12) if i != 4]
    assert mixed.theta[:, others] == pytest.approx(all_weak.theta[:, others], rel=1e-9)
    assert mixed.theta[:, 4] == pytest.approx(none.theta[:, 4], rel=1e-9)


@pytest.mark.parametrize("orientation", [1, -1])
@pytest.mark.parametrize(
    ("x_unit", "y_unit"), [(1e-6, 1), (1e6, 1), (1, 1e-6), (1, 1e6), (3e5, 7e-5)]
)
def test_units_do_not_matter(draw, orientation, x_unit, y_unit):
    x, y, w = draw(18, 25)
    for prior in (True, False):
        fit = fit_batch(x, y, w, prior=the_prior(x, prior), orientation=orientation)
        scaled = fit_batch(
            x * x_unit,
            y * y_unit,
            w / y_unit**2,
            prior=the_prior(x * x_unit, prior),
            orientation=orientation,
        )
        assert scaled.sse == pytest.approx(fit.sse, rel=1e-12)
        assert scaled.theta[0] - np.log(x_unit) == pytest.approx(fit.theta[0], abs=1e-5)
        assert scaled.theta[1:] == pytest.approx(fit.theta[1:], abs=1e-5)


def test_a_start_near_the_optimum_ends_there(draw):
    x, y, w = draw(19, 10)
    fit = fit_batch(x, y, w, prior=weak_prior(x))
    again = fit_batch(x, y, w, prior=weak_prior(x), start=fit.theta + 0.05)
    assert again.sse == pytest.approx(fit.sse, rel=1e-8)
    assert again.iterations.mean() < fit.iterations.mean()


def test_rows_may_come_in_any_order(draw):
    x, y, w = draw(20, 5)
    order = np.random.default_rng(1).permutation(x.size)
    fit = fit_batch(x, y, w, prior=weak_prior(x))
    shuffled = fit_batch(x[order], y[order], w[order], prior=weak_prior(x))
    assert shuffled.sse == pytest.approx(fit.sse, rel=1e-9)


def test_absent_levels_are_ignored_curve_by_curve(draw):
    x, y, w = draw(21, 3)
    w[[2, 5], 1] = 0.0
    y[2, 1] = np.nan
    y[5, 1] = 1e9
    fit = fit_batch(x, y, w, prior=weak_prior(x))
    keep = np.delete(np.arange(x.size), [2, 5])
    alone = fit_batch(x[keep], y[keep, 1:2], w[keep, 1:2], prior=weak_prior(x))
    assert fit.converged.all()
    assert fit.sse[1] == pytest.approx(alone.sse[0], rel=1e-9)


def test_too_few_levels_do_not_stop_the_batch(draw):
    x, y, w = draw(22, 4)
    w[4:, 1] = 0.0  # four levels left
    w[:, 2] = 0.0  # none
    fit = fit_batch(x, y, w, prior=weak_prior(x))
    assert fit.outcome.tolist() == [
        SearchOutcome.FITTED,
        SearchOutcome.TOO_FEW_LEVELS,
        SearchOutcome.TOO_FEW_LEVELS,
        SearchOutcome.FITTED,
    ]
    assert fit.converged.tolist() == [True, False, False, True]
    assert np.isnan(fit.predict(x)[:, 1:3]).all()
    assert np.isnan(fit.invert(np.full(4, 100.0))[1:3]).all()
    V = fit.covariance(x, w, weak_prior(x))
    assert np.isnan(V[1:3]).all()
    assert np.isfinite(V[[0, 3]]).all()
    four = fit_batch(x, y, w, prior=weak_prior(x), model="4pl")
    assert four.outcome.tolist() == [0, 0, SearchOutcome.TOO_FEW_LEVELS, 0]


def test_equal_levels_are_an_optimum_without_information():
    x = np.r_[0.0, 4.0 ** np.arange(8)]
    y = np.full((9, 2), 50.0)
    fit = fit_batch(x, y, 1 / y**2, prior=weak_prior(x))
    assert fit.outcome.tolist() == [SearchOutcome.FLAT, SearchOutcome.FLAT]
    assert fit.converged.all()
    assert fit.lower.tolist() == fit.upper.tolist() == [50.0, 50.0]
    assert fit.sse.tolist() == [0.0, 0.0]
    assert fit.invert([[49.0, 50.0], [51.0, np.nan]]).tolist()[0] == [-np.inf, -np.inf]
    assert fit.invert([[49.0, 50.0], [51.0, np.nan]])[1, 0] == np.inf
    assert np.isnan(fit.invert([51.0, np.nan])[1])
    assert np.isfinite(fit.covariance(x, 1 / y**2, weak_prior(x))).all()


def test_no_curves_and_one_curve(draw):
    x, y, w = draw(23, 1)
    empty = fit_batch(x, y[:, :0], w[:, :0], prior=weak_prior(x))
    assert empty.theta.shape == (3, 0)
    assert empty.predict(x).shape == (9, 0)
    assert empty.covariance(x, w[:, :0]).shape == (0, 5, 5)
    assert fit_batch(x, y, w).converged.tolist() == [True]


def test_decreasing_curves_have_upper_below_lower(draw):
    x, y, w = draw(24, 5)
    for orientation in (1, -1):
        fit = fit_batch(x, y[::-1], w[::-1], prior=weak_prior(x), orientation=orientation)
        assert fit.converged.all()
        assert (fit.upper < fit.lower).all()
        top = fit.lower + 1.0  # more signal than at concentration 0
        assert (fit.invert(top) == -np.inf).all()
        assert (fit.invert(fit.upper - 1.0) == np.inf).all()


@settings(deadline=None, derandomize=True, max_examples=60)
@given(
    st.lists(st.floats(-1e6, 1e6), min_size=8, max_size=8),
    st.sampled_from([1, -1]),
    st.booleans(),
    st.integers(-6, 6),
)
def test_any_numbers_give_a_status_and_no_warning(values, orientation, prior, power):
    x = np.r_[0.0, 4.0 ** np.arange(7)]
    y = np.array(values)[:, None] * 10.0**power
    w = 1.0 / np.maximum(np.abs(y), 10.0**power) ** 2
    fit = fit_batch(x, y, w, prior=the_prior(x, prior), orientation=orientation)
    assert fit.outcome[0] in (SearchOutcome.FITTED, SearchOutcome.FLAT, SearchOutcome.NOT_CONVERGED)
    assert np.isfinite(fit.theta).all()
    assert np.isfinite(fit.sse).all()
    horizontal = np.average(y[:, 0], weights=w[:, 0])
    line = (w[:, 0] * (y[:, 0] - horizontal) ** 2).sum()
    assert fit.sse[0] <= line * (1 + 1e-9) + (5.0 if prior else 0.0) + 1e-9
    assert np.isfinite(fit.predict(x)).all()
    assert not np.isnan(fit.invert(y)).any()
    assert np.isfinite(fit.covariance(x, w, the_prior(x, prior))).all()


def test_covariance_is_the_inverse_information(draw):
    x, y, w = draw(25, 4)
    prior = weak_prior(x)
    fit = fit_batch(x, y, w, prior=prior)
    J = fit.jacobian(x)
    V = fit.covariance(x, w, prior)
    for i in range(4):
        information = (J[:, :, i] * w[:, i]) @ J[:, :, i].T
        information[2:, 2:] += np.diag(prior.precision[:, 0])
        assert V[i] @ information == pytest.approx(np.eye(5), abs=1e-4)
        assert np.linalg.eigvalsh(V[i]).min() > 0
    wells = fit.covariance(np.repeat(x, 2), np.repeat(w, 2, axis=0) / 2, prior)
    assert wells == pytest.approx(V, rel=1e-6)


def test_what_nothing_determines_has_a_large_variance():
    x = np.r_[0.0, 4.0 ** np.arange(8)]
    y = (5 + 0.3 * x**0.9)[:, None]  # neither plateau
    fit = fit_batch(x, y, 1 / y**2)
    V = fit.covariance(x, 1 / y**2)[0]
    assert np.isfinite(V).all()
    assert np.linalg.eigvalsh(V).min() > 0
    assert V[4, 4] > 1e3


BAD = [
    ({"x": np.ones((2, 2))}, "CK-300", "levels x curves"),
    ({"w": np.ones((9, 2))}, "CK-300", "w (9, 2)"),
    ({"x": np.r_[-1.0, 4.0 ** np.arange(8)]}, "CK-301", "level 0"),
    ({"x": np.r_[np.nan, 4.0 ** np.arange(8)]}, "CK-301", "not finite"),
    ({"x": np.r_[np.zeros(5), np.ones(4)]}, "CK-302", "2 different concentrations (1 above 0)"),
    ({"x": np.r_[0.0, np.repeat([1.0, 2.0, 3.0], 3)[1:]]}, "CK-302", "5 are needed"),
    ({"w": -np.ones((9, 1))}, "CK-303", "level 0, curve 0"),
    ({"w": np.full((9, 1), np.inf)}, "CK-303", "1/variance"),
    ({"y": np.full((9, 1), np.nan)}, "CK-304", "give weight 0 to an absent level"),
    ({"y": np.full((9, 1), np.inf)}, "CK-304", "counted from 0"),
]


@pytest.mark.parametrize(("change", "code", "text"), BAD)
def test_bad_data_are_refused_with_what_where_and_how_to_mend(change, code, text):
    good = {"x": np.r_[0.0, 4.0 ** np.arange(8)], "y": np.ones((9, 1)), "w": np.ones((9, 1))}
    if code == "CK-302" and len(change["x"]) != 9:
        good = {"y": np.ones((len(change["x"]), 1)), "w": np.ones((len(change["x"]), 1))}
    with pytest.raises(InputError) as caught:
        fit_batch(**(good | change))
    assert code in str(caught.value)
    assert text in str(caught.value)
    assert "mend:" in str(caught.value)


def test_all_that_is_wrong_is_said_at_once():
    x = np.r_[-1.0, 4.0 ** np.arange(8)]
    with pytest.raises(InputError) as caught:
        fit_batch(x, np.full((9, 1), np.nan), np.r_[np.ones((8, 1)), [[-1.0]]])
    assert [p.code for p in caught.value.problems] == ["CK-301", "CK-303", "CK-304"]


def test_bad_choices_are_refused(draw):
    x, y, w = draw(26, 2)
    with pytest.raises(UsageError, match=r"CK-305.*orientation 2"):
        fit_batch(x, y, w, orientation=2)
    with pytest.raises(UsageError, match=r"CK-305.*'3pl'"):
        fit_batch(x, y, w, model="3pl")
    with pytest.raises(UsageError, match=r"CK-307.*shape \(3,\)"):
        fit_batch(x, y, w, start=np.zeros(3))
    with pytest.raises(UsageError, match=r"CK-306.*shape \(3,\)"):
        Prior(np.zeros(3), np.ones(3))
    with pytest.raises(UsageError, match=r"CK-306.*negative"):
        Prior(np.zeros((3, 1)), -np.ones((3, 1)))
    with pytest.raises(UsageError, match=r"CK-306.*holds 3 curves, the data 2"):
        fit_batch(x, y, w, prior=Prior(np.zeros((3, 3)), np.ones((3, 1))))
    with pytest.raises(UsageError, match=r"CK-306.*no positive concentration"):
        weak_prior([0.0])
    assert {key: model.levels_needed for key, model in MODELS.items()} == {"5pl": 5, "4pl": 4}
