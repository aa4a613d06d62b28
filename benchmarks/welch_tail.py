"""The tail of tests with a spread per arm: Welch's, his second order, Behrens-Fisher.

Step-down methods read a p-value at .05 over the number of tests, where Welch's approximation
rejects too often if few subjects are in the wider arm. This measures whether two known
alternatives would do better and what they cost in power:

- Welch's series in 1/df (1947, Biometrika 34:28), whose first order his degrees of freedom keep,
  with its second order (Aspin 1948, Biometrika 35:88);
- the Behrens-Fisher distribution, as a mean of t over the ratio of the variances.

``python benchmarks/welch_tail.py``; what it printed is ``results/welch_tail.txt``.
"""

from __future__ import annotations

import numpy as np
from scipy.special import betaincinv, ndtri, stdtr, stdtrit

TRIALS = 400_000
LEVELS = (0.05, 0.005)
#: sizes, spread of the first arm over the second's, difference in spreads of the second
SITUATIONS = (
    *((12, 12, spread, 0.0) for spread in (0.5, 1.0, 2.0)),
    *((12, 6, spread, 0.0) for spread in (0.5, 1.0, 2.0)),
    (12, 6, 1.0, 1.0),
)


def rejected(n1: int, n2: int, spread: float, difference: float) -> dict[str, list[float]]:
    """Share of trials that each test rejects, by level."""
    rng = np.random.default_rng(1)
    df = np.array([n1 - 1, n2 - 1])
    true = np.array([spread**2 / n1, 1 / n2])
    parts = true * rng.chisquare(df, (TRIALS, 2)) / df
    distance = np.abs(difference + rng.standard_normal(TRIALS) * np.sqrt(true.sum()))
    return {
        "Welch": _welch(distance, parts, df),
        "second order": _second_order(distance, parts, df),
        "Behrens-Fisher": _behrens_fisher(distance, parts, df),
    }


def _satterthwaite(parts: np.ndarray, df: np.ndarray) -> np.ndarray:
    return parts.sum(axis=1) ** 2 / (parts**2 / df).sum(axis=1)


def _welch(distance: np.ndarray, parts: np.ndarray, df: np.ndarray) -> list[float]:
    p = 2 * stdtr(_satterthwaite(parts, df), -distance / np.sqrt(parts.sum(axis=1)))
    return [float((p < level).mean()) for level in LEVELS]


def _second_order(distance: np.ndarray, parts: np.ndarray, df: np.ndarray) -> list[float]:
    """Welch's critical value plus what the series has in 1/df^2 beyond that of Student's t."""
    share = parts / parts.sum(axis=1, keepdims=True)
    squares, cubes = (share**2 / df**2).sum(axis=1), (share**3 / df**2).sum(axis=1)
    own = (share**2 / df).sum(axis=1) ** 2
    t = distance / np.sqrt(parts.sum(axis=1))
    found = []
    for level in LEVELS:
        x = ndtri(1 - level / 2)
        more = (3 + 5 * x**2 + x**4) / 3 * cubes - (1 + x**2) / 2 * squares
        more -= (48 + 112 * x**2 + 32 * x**4) / 96 * own
        critical = stdtrit(_satterthwaite(parts, df), 1 - level / 2) + x * more
        found.append(float((t > critical).mean()))
    return found


def _behrens_fisher(distance: np.ndarray, parts: np.ndarray, df: np.ndarray) -> list[float]:
    """Given its share of both chi-squares, the difference is a t with the sum of both df."""
    p = np.zeros(len(distance))
    shares = betaincinv(*df / 2, (np.arange(100) + 0.5) / 100)
    for share in shares:
        variance = (parts * df / np.array([share, 1 - share])).sum(axis=1) / df.sum()
        p += 2 * stdtr(df.sum(), -distance / np.sqrt(variance)) / len(shares)
    return [float((p < level).mean()) for level in LEVELS]


def main() -> None:
    """Print a line per situation and test."""
    print("n1 n2 spread difference test", *(f"rejected_at_{level}" for level in LEVELS))
    for situation in SITUATIONS:
        for name, shares in rejected(*situation).items():
            print(*situation, name.replace(" ", "_"), *(f"{share:.4f}" for share in shares))


if __name__ == "__main__":
    main()
