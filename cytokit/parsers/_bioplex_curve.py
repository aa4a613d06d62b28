"""The standard curves that Bio-Plex Manager prints, and their inverse.

``Std. Curve: FI = a + (b - a) / ((1 + (Conc / c)^d))^f`` for the 5PL, without ``^f`` for the 4PL;
``Ext Std Curve:`` is the same from another plate. Numbers may carry decimal commas (an equation has
no thousands marks). FI is the mean intensity less the background.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from cytokit.plate import VendorCurve

_NUMBER = r"[-+]?\d*\.?\d+(?:[eE][-+]?\d+)?"
_LOGISTIC = re.compile(
    rf"FI\s*=\s*({_NUMBER})\s*\+\s*\(\s*({_NUMBER})\s*([-+])\s*({_NUMBER})\s*\)\s*/\s*"
    rf"\(+\s*1\s*\+\s*\(\s*Conc\s*/\s*({_NUMBER})\s*\)\s*\^\s*({_NUMBER})\s*\)+"
    rf"(?:\s*\^\s*({_NUMBER}))?"
)
_STATED = re.compile(r"(Ext )?Std\.? Curve:\s*(.*)", re.IGNORECASE | re.DOTALL)
_REGRESSION = re.compile(r"Regression Type:\s*(.*)", re.IGNORECASE)
_SIGNED = r"[-+]?\d+(?:[.,]\d+)?(?:[eE][-+]?\d+)?"
_FIT = re.compile(rf"FitProb\.?\s*=\s*({_SIGNED})\s*,\s*ResVar\.?\s*=\s*({_SIGNED})", re.IGNORECASE)
_RANGE = re.compile(rf"Conc\.? in range\s*=\s*({_SIGNED})\s*to\s*({_SIGNED})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class CurveText:
    """The lines about one curve as they were met; ``failures`` are curves said to be none."""

    regression: str = ""
    equation: str = ""
    external: bool = False
    failures: tuple[str, ...] = ()
    statistics: tuple[tuple[str, float], ...] = ()

    @property
    def said(self) -> bool:
        """Whether any line spoke of a curve."""
        return bool(self.equation or self.failures)


def is_curve_line(line: str) -> bool:
    """Whether the line belongs to a printed curve."""
    return any(p.match(line.strip()) for p in (_REGRESSION, _STATED, _FIT, _RANGE))


def take_line(known: CurveText, line: str) -> CurveText:
    """What is known of the curve after one more line."""
    text = line.strip()
    if match := _REGRESSION.match(text):
        return replace(known, regression=match[1].strip())
    if match := _STATED.match(text):
        if "=" not in match[2]:
            return replace(known, failures=(*known.failures, match[2].strip()))
        return replace(known, equation=match[2].strip(), external=bool(match[1]))
    if match := _FIT.match(text):
        found = (("fit_prob", _float(match[1])), ("res_var", _float(match[2])))
    elif match := _RANGE.match(text):
        found = (("range_low", _float(match[1])), ("range_high", _float(match[2])))
    else:
        return known
    return replace(known, statistics=(*known.statistics, *found))


def read_curve(lines: CurveText) -> VendorCurve | None:
    """The curve of its printed equation; None where the equation is of no known form.

    Examples
    --------
    >>> text = "Std. Curve: FI = -0,27 + (14533,9 + 0,27) / ((1 + (Conc / 1030,4)^-0,96))^1,1"
    >>> curve = read_curve(take_line(CurveText(), text))
    >>> curve.a, curve.b, curve.c, curve.d, curve.f
    (-0.27, 14533.9, 1030.4, -0.96, 1.1)
    """
    match = _LOGISTIC.fullmatch(lines.equation.replace(",", "."))
    if match is None:
        return None
    a, b, sign, again, c, d, f = match.groups()
    lower = float(a)
    repeated = -float(again) if sign == "+" else float(again)
    if not math.isclose(lower, repeated, rel_tol=1e-9, abs_tol=1e-12) or float(c) <= 0:
        return None
    regression = f"{lines.regression}, external" if lines.external else lines.regression
    return VendorCurve(
        regression=regression,
        a=lower,
        b=float(b),
        c=float(c),
        d=float(d),
        f=1.0 if f is None else float(f),
        statistics=dict(lines.statistics),
        text=lines.equation,
    )


def invert(curve: VendorCurve, response: float) -> float:
    """The concentration at the bead for a response; NaN where the curve has no inverse."""
    if response == curve.a:
        return math.nan
    share = (curve.b - curve.a) / (response - curve.a)
    if not (share > 1 and math.isfinite(share)):
        return math.nan
    power = math.log(share) / curve.f
    inner = power if power > 50 else math.log(math.expm1(power))  # in logs: no overflow
    exponent = math.log(curve.c) + inner / curve.d
    return math.exp(exponent) if exponent < 700 else math.nan


def disagreement(curve: VendorCurve, readings: Sequence[tuple[float, float]]) -> float:
    """Median relative difference between printed and recomputed concentrations.

    Parameters
    ----------
    curve : VendorCurve
    readings : sequence of (float, float)
        Response less background, and the printed concentration at the bead.

    Returns
    -------
    float
        NaN where nothing can be compared.
    """
    ratios = sorted(
        abs(invert(curve, response) / printed - 1)
        for response, printed in readings
        if printed > 0 and math.isfinite(invert(curve, response))
    )
    return ratios[len(ratios) // 2] if ratios else math.nan


def _float(text: str) -> float:
    return float(text.replace(",", "."))
