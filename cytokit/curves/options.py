"""The options of a fit, as the manifest records them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ModelName = Literal["5pl", "4pl"]
WeightName = Literal["model", "1/y2", "1/y", "none", "xponent", "bioplex"]
PriorName = Literal["weak", "none"]
ProfileName = Literal["research", "kit", "m10"]
LimitsName = Literal["precision", "recovery"]


@dataclass(frozen=True, slots=True)
class FitOptions:
    """How curves are fitted and judged.

    Parameters
    ----------
    model : {"5pl", "4pl"}
        Five- or four-parameter logistic.
    weights : {"model", "1/y2", "1/y", "none", "xponent", "bioplex"}
        ``model`` is the variance model; the others serve comparison with other software.
    prior : {"weak", "none"}
        Weak priors on the shape, or plain weighted least squares.
    pool : bool
        Let the plates of one call lend each other variance, orientation and prior.
    robust : bool
        Down-weight standard wells that lie off the curve.
    profile : {"research", "kit", "m10"}
        Acceptance rules.
    limits : {"precision", "recovery"}
        Which LLOQ and ULOQ decide the status.
    max_cv_pct : float
        The precision that defines LLOQ and ULOQ.
    dilution_error_pct : float
        Pipetting error per step of the standards' dilution series, if declared.
    unit : str
        Unit to state where the export states none.
    """

    model: ModelName = "5pl"
    weights: WeightName = "model"
    prior: PriorName = "weak"
    pool: bool = False
    robust: bool = True
    profile: ProfileName = "research"
    limits: LimitsName = "precision"
    max_cv_pct: float = 20.0
    dilution_error_pct: float = 0.0
    unit: str = ""
