"""Newton's method on the likelihood of intervals, and the way back to coefficients."""

from __future__ import annotations

import numpy as np

from cytokit.stats._arrays import Floats
from cytokit.stats._interval_likelihood import IntervalData, derivatives, log_likelihood

_STEPS = 200
_HALVINGS = 60
# Newton decrement (expected gain in log-likelihood) at which the maximum is reached.
_DECREMENT = 1e-12
# Smallest eigenvalue of the scaled information that still counts as curvature.
_FLAT = 1e-11


def maximise(data: IntervalData) -> tuple[Floats, Floats, bool]:
    """Newton's method with step halving; parameters, information, and whether it converged."""
    parameters = _start(data)
    value = log_likelihood(data, parameters)
    for _ in range(_STEPS):
        gradient, hessian = derivatives(data, parameters)
        try:
            step: Floats = np.linalg.solve(-hessian, gradient).astype(np.float64)
        except np.linalg.LinAlgError:
            break
        if float(gradient @ step) < _DECREMENT:
            parameters = parameters + step
            information = -derivatives(data, parameters)[1]
            return parameters, information, bool(parameters[-1] > 0) and _regular(information)
        parameters, value, moved = _line_search(data, parameters, step, value)
        if not moved:
            break
    return parameters, -derivatives(data, parameters)[1], False


def _regular(information: Floats) -> bool:
    """Whether the likelihood is curved in every direction: not flat, as values without order."""
    diagonal = np.diag(information)
    if not (diagonal > 0).all():
        return False
    size = np.sqrt(diagonal)
    return bool(np.linalg.eigvalsh(information / np.outer(size, size)).min() > _FLAT)


def _line_search(
    data: IntervalData, parameters: Floats, step: Floats, value: float
) -> tuple[Floats, float, bool]:
    """The largest halved step that keeps the spread positive and does not lower the likelihood."""
    for _ in range(_HALVINGS):
        trial = parameters + step
        if trial[-1] > 0:
            reached = log_likelihood(data, trial)
            # The slack lets the last steps pass whose gain is below rounding.
            if reached >= value - 1e-13 * (1 + abs(value)):
                return trial, reached, True
        step = step / 2
    return parameters, value, False


def _start(data: IntervalData) -> Floats:
    """Least squares with every interval replaced by its middle, or by its only limit."""
    low = np.where(np.isfinite(data.lower), data.lower, data.upper)
    high = np.where(np.isfinite(data.upper), data.upper, data.lower)
    middle = (low + high) / 2
    coefficients = data.design.T @ middle
    residual = middle - data.design @ coefficients
    inverse_sd = 1 / max(float(np.sqrt((residual**2).mean())), 0.05)
    return np.append(coefficients * inverse_sd, inverse_sd)


def natural(parameters: Floats, information: Floats) -> tuple[Floats, Floats]:
    """Coefficients and their covariance from Olsen's parameters, by the delta method."""
    scaled, inverse_sd = parameters[:-1], parameters[-1]
    jacobian = np.column_stack((np.eye(scaled.size) / inverse_sd, -scaled / inverse_sd**2))
    return scaled / inverse_sd, jacobian @ np.linalg.inv(information) @ jacobian.T
