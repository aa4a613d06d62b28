"""p-values as text and as stars: the one place where a p becomes something to read."""

from __future__ import annotations

import math

#: thresholds of the stars, the smallest first
STARS = ((0.0001, "****"), (0.001, "***"), (0.01, "**"), (0.05, "*"))
NOT_SIGNIFICANT = "ns"
NOT_ANALYSED = "not analysed"
STARS_LEGEND = "* p < 0.05, ** p < 0.01, *** p < 0.001, **** p < 0.0001, ns not significant"
_EDGES = (0.001, 0.01, 0.05)


def p_text(p: float) -> str:
    """A p-value as text: ``0.012``, ``<0.001``, ``0.28``, ``>0.99``.

    Two decimals from 0.1 on, else three; one more where rounding would lift a value that lies
    under 0.05 or 0.01 up to it, so that text and stars never contradict each other.

    Parameters
    ----------
    p : float
        Between 0 and 1, or NaN.

    Returns
    -------
    str
        Empty for NaN.

    Examples
    --------
    >>> p_text(0.0123), p_text(0.00004), p_text(0.04996), p_text(0.283), p_text(1.0)
    ('0.012', '<0.001', '0.04996', '0.28', '>0.99')
    """
    if math.isnan(p):
        return ""
    if p < 0.001:
        return "<0.001"
    if p > 0.99:
        return ">0.99"
    for decimals in range(2 if p >= 0.1 else 3, 17):
        text = f"{p:.{decimals}f}"
        if not any(p < edge <= float(text) for edge in _EDGES):
            return text
    return repr(p)


def stars(p: float) -> str:
    """Stars of an adjusted p, from the unrounded number; ``ns``, or empty for NaN.

    Parameters
    ----------
    p : float
        Adjusted p-value.

    Returns
    -------
    str

    Examples
    --------
    >>> stars(0.0499), stars(0.05), stars(0.00005), stars(float("nan"))
    ('*', 'ns', '****', '')
    """
    if math.isnan(p):
        return ""
    return next((mark for edge, mark in STARS if p < edge), NOT_SIGNIFICANT)


def label(p: float) -> str:
    """What stands on a bracket of a figure when p is asked for.

    Parameters
    ----------
    p : float
        The p the bracket stands for.

    Returns
    -------
    str
        ``p = 0.012``, ``p < 0.001``, or ``not analysed`` for NaN.

    Examples
    --------
    >>> label(0.012), label(0.0001), label(float("nan"))
    ('p = 0.012', 'p < 0.001', 'not analysed')
    """
    if math.isnan(p):
        return NOT_ANALYSED
    text = p_text(p)
    return f"p {text[0]} {text[1:]}" if text[0] in "<>" else f"p = {text}"


def level_text(alpha: float) -> str:
    """The confidence level of the intervals beside tests at ``alpha``.

    Parameters
    ----------
    alpha : float

    Returns
    -------
    str

    Examples
    --------
    >>> level_text(0.05), level_text(0.001)
    ('95 %', '99.9 %')
    """
    return f"{100 * (1 - alpha):g} %"


def adjusted_text(adjust: str) -> str:
    """What the p in ``p_adjusted`` is: adjusted, or not.

    Parameters
    ----------
    adjust : str
        The adjustment, ``"none"`` without.

    Returns
    -------
    str

    Examples
    --------
    >>> adjusted_text("holm"), adjusted_text("none")
    ('adjusted', 'unadjusted')
    """
    return "unadjusted" if adjust == "none" else "adjusted"
