"""How long the exact tests of 50 analytes take at 50 v 50 subjects.

Run ``python benchmarks/exact_tests.py``; the table goes to stdout. Target: the exact tests of all
analytes, with ties, together in under 2 s on one core.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Callable

import numpy as np
import scipy

from cytokit.trial.ranks import brunner_munzel, gehan, hodges_lehmann, rank_sum, signed_rank

ANALYTES, PER_ARM = 50, 50


def seconds(task: Callable[[int], object]) -> float:
    """Time of the task over all analytes."""
    start = time.perf_counter()
    for analyte in range(ANALYTES):
        task(analyte)
    return time.perf_counter() - start


def main() -> None:
    rng = np.random.default_rng(1)
    treated = rng.normal(0.3, 1, size=(ANALYTES, PER_ARM))
    control = rng.normal(0.0, 1, size=(ANALYTES, PER_ARM))
    tied_t, tied_c = treated.round(1), control.round(1)
    low_t = np.where(tied_t < -0.5, -np.inf, tied_t)
    low_c = np.where(tied_c < -0.5, -np.inf, tied_c)
    high_t, high_c = np.maximum(tied_t, -0.5), np.maximum(tied_c, -0.5)
    exact: dict[str, Callable[[int], object]] = {
        "rank-sum, no ties": lambda j: rank_sum(treated[j], control[j]),
        "rank-sum, ties": lambda j: rank_sum(tied_t[j], tied_c[j]),
        "Hodges-Lehmann, no ties": lambda j: hodges_lehmann(treated[j], control[j]),
        "Hodges-Lehmann, ties": lambda j: hodges_lehmann(tied_t[j], tied_c[j]),
        "signed-rank, treated": lambda j: signed_rank(tied_t[j]),
        "signed-rank, control": lambda j: signed_rank(tied_c[j]),
        "Gehan, one third below range": lambda j: gehan(low_t[j], high_t[j], low_c[j], high_c[j]),
    }
    print(f"{ANALYTES} analytes, {PER_ARM} v {PER_ARM}; one process")
    print(f"Python {platform.python_version()}, numpy {np.__version__}, scipy {scipy.__version__}")
    print(f"{'test':32s} {'all, s':>8s} {'each, ms':>9s}")
    took = {name: seconds(task) for name, task in exact.items()}
    for name, total in took.items():
        print(f"{name:32s} {total:8.3f} {1000 * total / ANALYTES:9.2f}")
    needed = (
        "rank-sum, ties",
        "Hodges-Lehmann, ties",
        "signed-rank, treated",
        "signed-rank, control",
    )
    print(
        f"{'one comparison with ties':32s} {sum(took[name] for name in needed):8.3f}   (target 2)"
    )
    start = time.perf_counter()
    brunner_munzel(treated[0], control[0])
    print(f"{'Brunner-Munzel, 1e5 draws, one':32s} {time.perf_counter() - start:8.3f}")


if __name__ == "__main__":
    main()
