"""What the kernel accepts; everything wrong with one call is reported together."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cytokit.curves.model import Array
from cytokit.errors import InputError, Problem, UsageError

Mask = npt.NDArray[np.bool_]
#: Levels needed for a curve of its own.
LEVELS_NEEDED = {"5pl": 5, "4pl": 4}


def check_choice(orientation: int, model: str) -> None:
    """Refuse an unknown orientation or model (CK-305)."""
    if orientation not in (1, -1) or model not in LEVELS_NEEDED:
        raise UsageError(
            Problem(
                "CK-305",
                f"no curve has orientation {orientation!r} and model {model!r}",
                mend="orientation is 1 or -1, model '5pl' or '4pl'",
            )
        )


def checked_data(
    x: npt.ArrayLike, y: npt.ArrayLike, w: npt.ArrayLike, needed: int
) -> tuple[Array, Array, Array]:
    """Concentrations, responses (0 where absent) and weights as arrays (CK-300 to CK-304)."""
    x, y, w = (np.asarray(v, dtype=float) for v in (x, y, w))
    if x.ndim != 1 or y.ndim != 2 or w.shape != y.shape or y.shape[0] != x.size:
        raise InputError(
            Problem(
                "CK-300",
                f"x has shape {x.shape}, y {y.shape}, w {w.shape}",
                mend="give x as (n,), y and w as (n, N): levels x curves",
            )
        )
    problems = [
        *_concentration_problems(x, needed),
        *_bad_numbers(
            ~(np.isfinite(w) & (w >= 0)),
            "CK-303",
            "a weight is negative or not finite",
            "give 1/variance, and 0 for an absent level",
        ),
        *_bad_numbers(
            ~np.isfinite(y) & (w != 0),
            "CK-304",
            "a response is not finite though its weight is not 0",
            "give weight 0 to an absent level",
        ),
    ]
    if problems:
        raise InputError(*problems)
    return x, np.ascontiguousarray(np.where(w > 0, y, 0.0)), np.ascontiguousarray(w)


def checked_start(start: npt.ArrayLike | None, n_curves: int) -> Array | None:
    """Start values as (3, N), or None (CK-307)."""
    if start is None:
        return None
    theta = np.asarray(start, dtype=float)
    if theta.shape != (3, n_curves) or not np.isfinite(theta).all():
        raise UsageError(
            Problem(
                "CK-307",
                f"the start has shape {theta.shape}, or is not finite",
                mend=f"give theta as (3, {n_curves}), as BatchFit.theta holds it",
            )
        )
    return theta


def _concentration_problems(x: Array, needed: int) -> list[Problem]:
    """Concentrations that are no concentrations, or too few of them."""
    problems = _bad_numbers(
        ~(np.isfinite(x) & (x >= 0)),
        "CK-301",
        "a standard's concentration is negative or not finite",
        "give 0 for blanks and leave out standards without a concentration",
    )
    n_levels, n_positive = np.unique(x).size, np.unique(x[x > 0]).size
    if not problems and (n_levels < needed or n_positive < 2):
        problems.append(
            Problem(
                "CK-302",
                f"{n_levels} different concentrations ({n_positive} above 0), {needed} are needed",
                mend="a 5PL needs five levels, a 4PL four, two of them above 0",
            )
        )
    return problems


def _bad_numbers(bad: Mask, code: str, what: str, mend: str) -> list[Problem]:
    """One problem that names the first bad number, or none."""
    if not bad.any():
        return []
    position = np.argwhere(bad)[0]
    where = ", ".join(
        f"{name} {index}" for name, index in zip(("level", "curve"), position, strict=False)
    )
    return [Problem(code, what, where=f"{where} (counted from 0)", mend=mend)]
