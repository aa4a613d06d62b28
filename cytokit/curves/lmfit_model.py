"""The curve as an lmfit Model, with the priors as three more residuals.

The one module of this room that imports lmfit; :mod:`cytokit.curves.lmfit_view` imports it when
first asked.
"""

from __future__ import annotations

from typing import Any

import lmfit
import numpy as np

from cytokit.arrays import Floats
from cytokit.curves.logistic import log_concentration, psi, psi_gradient
from cytokit.curves.solver import Prior

THETA = ("m", "eta", "k")


class LogisticModel(lmfit.Model):  # type: ignore[misc]
    """lower + (upper - lower) psi(ln x; m, eta, k), with slope, inflection, asymmetry derived."""

    def __init__(self, orientation: int = 1, prior: Prior | None = None) -> None:
        self.orientation = orientation
        self.prior_mean = np.zeros(3) if prior is None else prior.mean[:, 0]
        self.prior_root = np.zeros(3) if prior is None else np.sqrt(prior.precision[:, 0])

        def curve(x: Floats, lower: float, upper: float, m: float, eta: float, k: float) -> Floats:
            theta = np.array([m, eta, k])
            return lower + (upper - lower) * psi(log_concentration(x), theta, orientation)

        super().__init__(curve, name=f"5PL, orientation {'+' if orientation > 0 else '-'}")

    def start(
        self, lower: float, upper: float, theta: Floats, fixed: tuple[str, ...]
    ) -> lmfit.Parameters:
        """Parameters at a known solution; the natural ones follow as expressions."""
        params = self.make_params(lower=lower, upper=upper, m=theta[0], eta=theta[1], k=theta[2])
        for name in fixed:
            params[name].set(vary=False)
        sign = "+" if self.orientation > 0 else "-"
        params.add("asymmetry", expr="exp(k)")
        params.add("slope", expr="exp(eta + (1 + exp(k)) * log1p(exp(-k)))")
        params.add("inflection", expr=f"exp(m {sign} k / slope)")
        return params

    def _residual(
        self, params: lmfit.Parameters, data: Floats, weights: Floats, **kwargs: Any
    ) -> Floats:
        """Weighted residuals, then the prior's: their squares add up to the kernel's objective."""
        residual = super()._residual(params, data, weights, **kwargs)
        theta = np.array([params[name].value for name in THETA])
        return np.concatenate([residual, self.prior_root * (self.prior_mean - theta)])

    def jacobian(
        self, params: lmfit.Parameters, _data: Floats, weights: Floats, *, x: Floats
    ) -> Floats:
        """Derivatives of the residuals with respect to the parameters that vary."""
        theta = np.array([params[name].value for name in THETA])
        span = params["upper"].value - params["lower"].value
        shape, gradient = psi_gradient(
            log_concentration(x)[:, None], theta[:, None], self.orientation
        )
        columns = {"lower": 1.0 - shape[:, 0], "upper": shape[:, 0]}
        for j, name in enumerate(THETA):
            columns[name] = span * gradient[j, :, 0]
        out = []
        for name, column in columns.items():
            if params[name].vary:
                prior = np.array([-self.prior_root[j] * (THETA[j] == name) for j in range(3)])
                out.append(np.concatenate([-weights * column, prior]))
        return np.stack(out, axis=1)
