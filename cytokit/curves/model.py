"""The five-parameter logistic: equation, gradient, inverse, and the coordinates it is solved in.

With a the response at concentration 0, d at infinity, c > 0 (``inflection``), b > 0 (``slope``) and
g > 0 (``asymmetry``)::

    y = d + (a - d) / (1 + (x/c)**b)**g          orientation "+" (+1)
    y = a + (d - a) / (1 + (x/c)**-b)**g         orientation "-" (-1)

Orientation + is the form of Gottschalk and Dunn (Anal Biochem 2005; 343:54-65), orientation - the
one with a negative exponent that several vendors print; unless g = 1 they are different families.
Both are written y = a + s * shape(ln x), s = d - a, where the shape rises from 0 to 1.

The solver works in theta = (m, eta, k): m is ln x at the inflection of the curve over ln x, eta the
logarithm of the shape's slope there, k = ln g. These stay nearly uncorrelated and finite where
(b, c, g) run off to infinity together. Arrays are levels x curves throughout.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[np.float64]

#: ln x of concentration 0: so far to the left that the shape is 0 to the last bit.
X_ZERO = -1e5
SMALLEST = np.nextafter(0.0, 1.0)


def log_concentration(x: npt.ArrayLike) -> Array:
    """The logarithm of x, with :data:`X_ZERO` for x = 0.

    Parameters
    ----------
    x : array_like
        Concentrations, not negative; any shape.

    Returns
    -------
    ndarray
        Of the shape of `x`.

    Examples
    --------
    >>> log_concentration([0.0, 1.0])
    array([-100000.,       0.])
    """
    x = np.asarray(x, dtype=float)
    positive = x > 0
    return np.where(positive, np.log(np.where(positive, x, 1.0)), np.where(x == 0, X_ZERO, np.nan))


def natural(theta: Array) -> tuple[Array, Array, Array]:
    """Slope b, ln c and asymmetry g from theta, for orientation +.

    For orientation - the midpoint lies on the other side of the inflection: see
    :func:`log_midpoint`.

    Parameters
    ----------
    theta : ndarray, shape (3, ...)
        m, eta, k.

    Returns
    -------
    b, log_c, g : ndarray

    Examples
    --------
    >>> b, log_c, g = natural(np.array([5.0, np.log(0.25), 0.0]))
    >>> round(float(b), 12), float(log_c), float(g)
    (1.0, 5.0, 1.0)
    """
    m, eta, k = theta
    g = np.exp(k)
    b = np.exp(eta + (1.0 + g) * np.log1p(1.0 / g))
    return b, m + k / b, g


def log_midpoint(theta: Array, orientation: int = 1) -> Array:
    """Ln c of the curve in either orientation.

    Parameters
    ----------
    theta : ndarray, shape (3, ...)
    orientation : {1, -1}

    Returns
    -------
    ndarray

    Examples
    --------
    >>> theta = np.array([5.0, 0.0, 0.0])
    >>> float(log_midpoint(theta, -1))
    5.0
    """
    b, _, _ = natural(theta)
    m, _, k = theta
    return np.asarray(m + orientation * k / b)


def theta_from_natural(
    b: npt.ArrayLike, log_c: npt.ArrayLike, g: npt.ArrayLike, orientation: int = 1
) -> Array:
    """Theta from slope, ln c and asymmetry: the inverse of :func:`natural`.

    Parameters
    ----------
    b, log_c, g : array_like
        b and g positive.
    orientation : {1, -1}

    Returns
    -------
    ndarray, shape (3, ...)

    Examples
    --------
    >>> theta = theta_from_natural(1.3, 4.0, 0.6)
    >>> [round(float(v), 12) for v in natural(theta)]
    [1.3, 4.0, 0.6]
    """
    b, log_c, g = np.broadcast_arrays(*(np.asarray(v, dtype=float) for v in (b, log_c, g)))
    k = np.log(g)
    return np.stack([log_c - orientation * k / b, np.log(b) - (1 + g) * np.log1p(1 / g), k])


def psi(log_x: Array, theta: Array, orientation: int = 1) -> Array:
    """The shape of the curve, from 0 at concentration 0 to 1 at infinity.

    Parameters
    ----------
    log_x : ndarray
        ln x, broadcast against the rows of `theta`: (n, 1) and (3, N) give (n, N).
    theta : ndarray, shape (3, ...)
    orientation : {1, -1}

    Returns
    -------
    ndarray

    Examples
    --------
    >>> float(psi(np.array(5.0), np.array([5.0, 0.0, 0.0])))
    0.5
    """
    m, _, k = theta
    b, _, g = natural(theta)
    t = (orientation * b) * (log_x - m) - k
    softplus = np.maximum(t, 0.0) + np.log1p(np.exp(-np.abs(t)))
    # expm1, never 1 - q: far below the midpoint 1 - q would keep no digit
    return np.asarray(-np.expm1(-g * softplus) if orientation > 0 else np.exp(-g * softplus))


def inverse_psi(v: npt.ArrayLike, theta: Array, orientation: int = 1) -> Array:
    """Ln x at which the shape reaches v.

    Parameters
    ----------
    v : array_like
        (y - a) / (d - a), broadcast against the rows of `theta`.
    theta : ndarray, shape (3, ...)
    orientation : {1, -1}

    Returns
    -------
    ndarray
        -inf ("below") where v <= 0, +inf ("above") where v >= 1; NaN only where v or theta is NaN.

    Examples
    --------
    >>> inverse_psi([-0.1, 0.5, 1.0], np.array([[5.0], [0.0], [0.0]]))
    array([-inf,   5.,  inf])
    """
    v = np.asarray(v, dtype=float)
    m, _, k = theta
    b, _, g = natural(theta)
    inside = (v > 0) & (v < 1)
    safe = np.where(inside, v, 0.5)
    z = -(np.log1p(-safe) if orientation > 0 else np.log(safe)) / g
    z = np.maximum(z, SMALLEST)
    t = z + np.log(-np.expm1(-z))  # ln(e^z - 1), without overflow or cancellation
    log_x = m + orientation * (t + k) / b
    outside = np.where(np.isnan(v), np.nan, np.where(v <= 0, -np.inf, np.inf))
    return np.asarray(np.where(inside, log_x, outside + 0.0 * m))


def response(
    x: npt.ArrayLike,
    lower: npt.ArrayLike,
    upper: npt.ArrayLike,
    slope: npt.ArrayLike,
    inflection: npt.ArrayLike,
    asymmetry: npt.ArrayLike = 1.0,
    orientation: int = 1,
) -> Array:
    """The curve in its natural parameters, as tables and reports print them.

    Parameters
    ----------
    x : array_like
        Concentrations, not negative.
    lower, upper, slope, inflection, asymmetry : array_like
        a, d, b, c and g of the equation; slope, inflection and asymmetry positive.
    orientation : {1, -1}

    Returns
    -------
    ndarray

    Examples
    --------
    >>> response([0.0, 100.0], lower=10, upper=1010, slope=1.2, inflection=100)
    array([ 10., 510.])
    """
    theta = theta_from_natural(slope, np.log(np.asarray(inflection, float)), asymmetry, orientation)
    a = np.asarray(lower, dtype=float)
    return np.asarray(a + (upper - a) * psi(log_concentration(x), theta, orientation))


def equation(orientation: int = 1, model: str = "5pl") -> str:
    """The curve's equation as a line of text.

    Parameters
    ----------
    orientation : {1, -1}
    model : {"5pl", "4pl"}

    Returns
    -------
    str

    Examples
    --------
    >>> equation(1)
    'y = d + (a - d) / (1 + (x/c)^b)^g'
    """
    power = "" if model == "4pl" else "^g"
    if orientation > 0:
        return f"y = d + (a - d) / (1 + (x/c)^b){power}"
    return f"y = a + (d - a) / (1 + (x/c)^-b){power}"
