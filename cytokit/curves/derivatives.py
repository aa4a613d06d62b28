"""Derivatives of the curve's shape, first and second, from the same few exponentials."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cytokit.curves.model import Array
from cytokit.curves.sums import dot, ordered_sum

#: e^t stays finite; beyond this t the shape is 1 to the last bit
LARGEST_T = 700.0


@dataclass(slots=True)
class Parts:
    """What shape and derivatives are made of, with t = b (ln x - m) - k, mirrored for -.

    `b`, `g`, `log_ratio` = ln(1 + 1/g) are (N,), the others (n, N): `tk` = t + k, `expit` of t,
    `decay` = g ln(1 + e^t), q = exp(-decay), `rise` = dshape/dt = g q expit in size, `decay_q`.
    """

    shape: Array
    tk: Array
    expit: Array
    decay: Array
    rise: Array
    decay_q: Array
    b: Array
    g: Array
    log_ratio: Array
    orientation: int

    @property
    def bend(self) -> Array:
        """D ln b / dk at constant eta, (N,)."""
        return np.asarray(self.g * self.log_ratio - 1.0)

    def gradient(self, out: Array) -> Array:
        """Derivatives of the shape with respect to m, eta and k, into `out` (3, n, N)."""
        np.multiply(self.rise, -self.b, out=out[0])
        np.multiply(self.rise, self.tk, out=out[1])
        np.multiply(out[1], self.bend, out=out[2])
        out[2] -= self.rise
        out[2] += self.decay_q
        if self.orientation < 0:
            np.negative(out[1:], out=out[1:])
        return out

    def bending(self, pull: Array, room: Array) -> Array:
        """Second derivatives summed over the levels with weights `pull` (n, N), packed (6, N).

        `room` is space for (4, n, N).
        """
        terms = room[:3]
        first, second, mixed, shrink = room
        np.multiply(self.rise, pull, out=first)
        np.multiply(self.expit, -(1.0 + self.g), out=second)
        second += 1.0
        second *= first  # second derivative with respect to t
        np.subtract(1.0, self.decay, out=shrink)
        np.multiply(first, shrink, out=mixed)  # with respect to t, and k at constant t
        f0, s0, m0 = ordered_sum(terms)
        f1, s1, m1 = dot(terms, self.tk)
        second *= self.tk
        s2 = dot(second, self.tk)
        shrink *= self.decay_q
        z0 = dot(shrink, pull)

        bend = self.bend
        bend_k = self.g * (self.log_ratio - 1.0 / (1.0 + self.g))
        b = -self.b if self.orientation > 0 else self.b
        s1f0, s2f1, m1s1, s0m0 = s1 + f0, s2 + f1, m1 - s1, s0 - m0
        out = np.empty((6, f0.size))
        out[0] = b * b * s0
        out[1] = b * s1f0
        out[2] = b * (bend * s1f0 - s0m0)
        out[3] = s2f1
        out[4] = bend * s2f1 + m1s1
        out[5] = bend * (out[4] + m1s1) + bend_k * f1 + s0m0 - m0 + z0
        return out if self.orientation > 0 else np.negative(out, out=out)


def take_apart(log_x: Array, theta: Array, orientation: int, room: Array) -> Parts:
    """The shape at theta, with all that its derivatives need.

    Parameters
    ----------
    log_x : ndarray, shape (n, 1) or (n, N)
    theta : ndarray, shape (3, N)
    orientation : {1, -1}
    room : ndarray, shape (6, n, N)
        Space for the parts.

    Returns
    -------
    Parts
    """
    m, eta, k = theta
    g = np.exp(k)
    log_ratio = np.log1p(1.0 / g)
    b = np.exp(eta + (1.0 + g) * log_ratio)
    tk, power, one_more, expit, decay, lost = room
    np.subtract(log_x, m, out=tk)
    tk *= orientation * b
    np.subtract(tk, k, out=power)
    np.minimum(power, LARGEST_T, out=power)
    np.exp(power, out=power)
    np.add(power, 1.0, out=one_more)
    np.divide(power, one_more, out=expit)
    # log1p(power) to the last bits, by Kahan's correction: log is twice as fast as log1p
    np.log(one_more, out=decay)
    np.subtract(one_more, 1.0, out=lost)
    np.subtract(power, lost, out=lost)
    lost /= one_more
    decay += lost
    decay *= g
    np.negative(decay, out=lost)
    if orientation > 0:
        # expm1, never 1 - q: far below the midpoint 1 - q would keep no digit
        shape = np.expm1(lost, out=power)
        q = np.add(shape, 1.0, out=one_more)
        np.negative(shape, out=shape)
    else:
        shape = q = np.exp(lost, out=power)
    rise = np.multiply(expit, q, out=lost)
    rise *= g
    decay_q = np.multiply(decay, q, out=one_more)
    return Parts(shape, tk, expit, decay, rise, decay_q, b, g, log_ratio, orientation)


def psi_gradient(log_x: Array, theta: Array, orientation: int = 1) -> tuple[Array, Array]:
    """The shape and its derivatives with respect to m, eta and k.

    The derivative with respect to ln x is minus the one with respect to m.

    Parameters
    ----------
    log_x : ndarray, shape (n, 1) or (n, N)
    theta : ndarray, shape (3, N)
    orientation : {1, -1}

    Returns
    -------
    shape : ndarray, shape (n, N)
    gradient : ndarray, shape (3, n, N)

    Examples
    --------
    >>> shape, gradient = psi_gradient(np.array([[5.0]]), np.array([[5.0], [np.log(0.25)], [0.0]]))
    >>> shape.round(12), gradient[0].round(12)
    (array([[0.5]]), array([[-0.25]]))
    """
    room = np.empty((6, log_x.shape[0], theta.shape[1]))
    parts = take_apart(log_x, theta, orientation, room)
    return parts.shape, parts.gradient(np.empty((3, *room.shape[1:])))
