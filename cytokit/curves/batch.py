"""Fit all curves that share a dilution series in one call."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cytokit.curves.batchfit import BatchFit, Outcome
from cytokit.curves.checks import LEVELS_NEEDED, check_choice, checked_data, checked_start
from cytokit.curves.linear import make_levels
from cytokit.curves.model import Array, log_concentration
from cytokit.curves.options import ModelName
from cytokit.curves.prior import Prior
from cytokit.curves.search import make_box, search
from cytokit.curves.start import make_grid

__all__ = ["LEVELS_NEEDED", "BatchFit", "Outcome", "fit_batch"]

#: Curves held in memory at a time.
CHUNK = 8192


def fit_batch(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    w: npt.ArrayLike,
    *,
    orientation: int = 1,
    prior: Prior | None = None,
    start: npt.ArrayLike | None = None,
    model: ModelName = "5pl",
) -> BatchFit:
    """Fit N curves over one dilution series by weighted least squares, with or without a prior.

    Replicates are compressed by the caller: y holds level means, w the sums of their weights.
    The result of a curve does not depend on the order or the company of the others.

    Parameters
    ----------
    x : array_like, shape (n,)
        Concentrations of the levels, not negative; 0 is a blank.
    y : array_like, shape (n, N)
        Weighted level means.
    w : array_like, shape (n, N)
        Total weights, 1/variance where a prior is given. 0 means absent; y may be NaN there.
    orientation : {1, -1}
        Which of the two five-parameter families, see :mod:`cytokit.curves.model`.
    prior : Prior, optional
        None is plain weighted least squares.
    start : array_like, shape (3, N), optional
        A theta near the optimum, as from a fit with slightly other weights; a grid otherwise.
    model : {"5pl", "4pl"}
        The 4PL has its asymmetry frozen at 1.

    Returns
    -------
    BatchFit

    Raises
    ------
    InputError
        CK-300..304: shapes that do not match, numbers that are not finite, too few levels.
    UsageError
        CK-305..307: an unknown orientation, model, prior or start.

    Notes
    -----
    Variable projection (Golub and Pereyra 1973; Kaufman 1975), from the best local maxima of a
    grid; Newton's method takes over where this is slow.

    Examples
    --------
    >>> from cytokit.curves.prior import weak_prior
    >>> x = np.array([0, 1, 4, 16, 64, 256, 1024.0])
    >>> y = 20 + 1e4 * (1 - (1 + x / 90) ** -1.0)
    >>> fit = fit_batch(x, y[:, None], 1 / (0.05 * y[:, None]) ** 2)
    >>> fit.midpoint.round(6), fit.upper.round(4), bool(fit.converged[0])
    (array([90.]), array([10020.]), True)
    >>> np.exp(fit.invert([[5020.0]])).round(6)
    array([[90.]])
    """
    check_choice(orientation, model)
    x, y, w = checked_data(x, y, w, LEVELS_NEEDED[model])
    n_curves = y.shape[1]
    starts = checked_start(start, n_curves)
    no_prior = (np.zeros((3, n_curves)), np.zeros((3, n_curves)))
    mean_precision = no_prior if prior is None else prior.spread(n_curves)
    log_x = log_concentration(x)
    box = make_box(log_x[x > 0], model)

    fit = _nothing_yet(n_curves, orientation, model)
    fit.outcome[_equal_levels(y, w)] = Outcome.FLAT
    fit.outcome[(w > 0).sum(axis=0) < LEVELS_NEEDED[model]] = Outcome.TOO_FEW_LEVELS
    todo = fit.outcome == Outcome.NOT_CONVERGED
    has_prior = (mean_precision[1] > 0).all(axis=0)
    for guided in (True, False):
        group = np.flatnonzero(todo & (has_prior == guided))
        if group.size == 0:
            continue
        grid = make_grid(log_x, box, orientation, edges=not guided)
        for first in range(0, group.size, CHUNK):
            part = group[first : first + CHUNK]
            levels = make_levels(
                log_x,
                y.take(part, axis=1),
                w.take(part, axis=1),
                (mean_precision[0].take(part, axis=1), mean_precision[1].take(part, axis=1)),
                box,
                orientation,
            )
            found = search(
                levels, grid, guided, None if starts is None else starts.take(part, axis=1)
            )
            fit.theta[:, part] = found.theta
            fit.s[part] = found.s
            fit.a[part] = levels.y_mean - found.s * found.shape_mean
            fit.sse[part] = found.objective
            fit.iterations[part] = found.iterations
            fit.outcome[part[found.converged]] = Outcome.FITTED
    fit.at_bound[:] = ((fit.theta <= box[0]) | (fit.theta >= box[1])) & (box[0] < box[1])
    _put_flat(fit, y, w, mean_precision, box)
    return fit


def _nothing_yet(n_curves: int, orientation: int, model: ModelName) -> BatchFit:
    """A batch whose arrays wait to be filled."""
    return BatchFit(
        theta=np.full((3, n_curves), np.nan),
        a=np.full(n_curves, np.nan),
        s=np.full(n_curves, np.nan),
        sse=np.full(n_curves, np.nan),
        outcome=np.full(n_curves, Outcome.NOT_CONVERGED, dtype=np.int8),
        iterations=np.zeros(n_curves, dtype=np.int64),
        at_bound=np.zeros((3, n_curves), dtype=bool),
        orientation=orientation,
        model=model,
    )


def _put_flat(
    fit: BatchFit, y: Array, w: Array, prior: tuple[Array, Array], box: tuple[Array, Array]
) -> None:
    """Curves of equal levels: a horizontal line, its shape where the prior would have it."""
    flat = np.flatnonzero(fit.outcome == Outcome.FLAT)
    mean, precision = (values.take(flat, axis=1) for values in prior)
    theta = np.clip(mean, *box)
    fit.theta[:, flat] = theta
    fit.a[flat] = np.where(w[:, flat] > 0, y[:, flat], -np.inf).max(axis=0)
    fit.s[flat] = 0.0
    fit.sse[flat] = (precision * (theta - mean) ** 2).sum(axis=0)


def _equal_levels(y: Array, w: Array) -> npt.NDArray[np.bool_]:
    """Curves whose levels are equal to the last bits."""
    if y.shape[1] == 0:
        return np.zeros(0, dtype=bool)
    used = w > 0
    high = np.where(used, y, -np.inf).max(axis=0)
    low = np.where(used, y, np.inf).min(axis=0)
    none = ~used.any(axis=0)
    high[none] = low[none] = 0.0
    return np.asarray(high - low <= 1e-14 * np.maximum(np.abs(high), np.abs(low)))
