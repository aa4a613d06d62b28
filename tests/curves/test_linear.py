"""The projected objective, its derivatives, and the small systems solved with them."""

from __future__ import annotations

import numpy as np
import pytest

from cytokit.curves.logistic import (
    dot,
    evaluate,
    log_concentration,
    make_levels,
    never_alone,
    objective_at,
    psi,
    solve3,
)
from cytokit.curves.solver import make_box, weak_prior

PACKED = [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)]


@pytest.fixture
def levels(draw):
    def make(orientation, n_curves=6):
        x, y, w = draw(41, n_curves, noise=0.2)
        log_x = log_concentration(x)
        prior = weak_prior(x).spread(n_curves)
        return make_levels(log_x, y, w, prior, make_box(log_x[x > 0], "5pl"), orientation)

    return make


@pytest.fixture
def thetas():
    rng = np.random.default_rng(2)
    return np.array([[5.5], [-1.2], [0.2]]) + 0.7 * rng.standard_normal((3, 6))


@pytest.mark.parametrize("orientation", [1, -1])
def test_downhill_and_hessian_are_the_derivatives_of_the_objective(levels, thetas, orientation):
    data = levels(orientation)
    here = evaluate(data, thetas)
    for i in range(3):
        step = np.zeros((3, 1))
        step[i] = 1e-5
        up, down = evaluate(data, thetas + step), evaluate(data, thetas - step)
        slope = (up.objective - down.objective) / 2e-5
        assert here.downhill[i] == pytest.approx(-0.5 * slope, rel=1e-5, abs=1e-3)
        bending = -(up.downhill - down.downhill) / 2e-5
        for place, (row, column) in enumerate(PACKED):
            if row == i:
                size = np.abs(here.hessian).max()
                assert here.hessian[place] == pytest.approx(
                    bending[column], rel=1e-5, abs=1e-7 * size
                )


@pytest.mark.parametrize("orientation", [1, -1])
def test_gauss_newton_matrix_is_the_hessian_where_nothing_is_left(levels, orientation, thetas):
    data = levels(orientation)
    theta = thetas[:, :1].repeat(6, axis=1)
    data.y[:] = 500.0 * psi(data.log_x, theta, orientation)
    data.y -= dot(data.w, data.y) / data.w_sum
    point = evaluate(data, theta)
    size = np.abs(point.hessian).max()
    assert point.s == pytest.approx(500.0)
    assert point.hessian == pytest.approx(point.gauss_newton, abs=1e-9 * size)


@pytest.mark.parametrize("orientation", [1, -1])
def test_the_objective_alone_is_the_same_objective(levels, thetas, orientation):
    data = levels(orientation)
    assert objective_at(data, thetas) == pytest.approx(evaluate(data, thetas).objective, rel=1e-10)


@pytest.mark.parametrize("corner", [(1, 1, 1), (0, 1, 0), (1, 1, 0), (0, 1, 1), (1, 0, 0)])
def test_corners_of_the_box_give_finite_derivatives(levels, corner):
    data = levels(1)
    pick = np.array(corner)[:, None]
    theta = np.where(pick, data.high, data.low) * np.ones((1, 6))
    point = evaluate(data, theta)
    for values in (point.objective, point.downhill, point.gauss_newton, point.hessian):
        assert np.isfinite(values).all()


def test_small_systems_are_solved_or_said_not_to_be_positive_definite():
    rng = np.random.default_rng(3)
    factor = rng.standard_normal((20, 3, 3))
    matrices = factor @ factor.transpose(0, 2, 1)
    matrices[4] = np.diag([1.0, -1.0, 1.0])
    matrices[9] = 0.0
    right = rng.standard_normal((3, 20))
    packed = np.stack([matrices[:, i, j] for i, j in PACKED])
    found = solve3(packed, right)
    for i in range(20):
        if i in (4, 9):
            assert np.isnan(found[:, i]).all()
        else:
            assert matrices[i] @ found[:, i] == pytest.approx(right[:, i], rel=1e-8, abs=1e-8)


def test_products_have_the_same_bits_for_one_column_and_for_many():
    rng = np.random.default_rng(4)
    u, v = rng.standard_normal((2, 3, 40, 9)) * 10.0 ** np.arange(9)
    for left, right in ((u, v), (u, v[0]), (u[0], v[0])):
        whole = dot(left, right)
        for i in range(9):
            alone = dot(left[..., i : i + 1], right[..., i : i + 1])
            assert np.array_equal(alone[..., 0], whole[..., i])
    assert never_alone(np.array([], dtype=np.intp)).size == 0
