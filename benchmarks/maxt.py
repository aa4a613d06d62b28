"""How long Westfall-Young takes on 50 analytes x 200 subjects with 1e5 draws.

Run ``python benchmarks/maxt.py``; the table goes to stdout. Target: under 20 s on two cores.
"""

from __future__ import annotations

import platform
import time

import numpy as np
import scipy

from cytokit.trial.permutation import arm_flip_max_t, max_t

ANALYTES, SUBJECTS, DRAWS = 50, 200, 100_000


def main() -> None:
    rng = np.random.default_rng(1)
    treated = np.arange(SUBJECTS) % 2 == 0
    strata = np.arange(SUBJECTS) // 50
    baseline = rng.normal(size=(SUBJECTS, ANALYTES)) + rng.normal(size=(SUBJECTS, 1))
    values = 0.6 * baseline + rng.normal(size=(SUBJECTS, ANALYTES))
    values[:, 0] += 0.8 * treated
    gaps = np.where(rng.uniform(size=values.shape) < 0.05, np.nan, values)
    print(f"{ANALYTES} analytes x {SUBJECTS} subjects, {DRAWS:,} draws (target 20 s)")
    print(f"Python {platform.python_version()}, numpy {np.__version__}, scipy {scipy.__version__}")
    print(f"{'what':47s} {'s':>7s} {'adjusted p, analyte 1':>22s}")

    def report(name: str, start: float, p_adjusted: np.ndarray) -> None:
        """One line of the table."""
        took = time.perf_counter() - start
        print(f"{name:47s} {took:7.2f} {p_adjusted[0]:22.5f}")

    start = time.perf_counter()
    report("maxT, Welch", start, max_t(values, treated, draws=DRAWS).p_adjusted)
    start = time.perf_counter()
    report(
        "maxT, Welch, 4 strata, 5 % missing", start, max_t(gaps, treated, strata=strata).p_adjusted
    )
    start = time.perf_counter()
    report("minP, Welch", start, max_t(values, treated, step="minp").p_adjusted)
    start = time.perf_counter()
    result = max_t(gaps, treated, baseline=baseline, strata=strata, statistic="ancova")
    report("maxT, ANCOVA, 4 strata, 5 % missing", start, result.p_adjusted)
    unequal = np.arange(SUBJECTS) % 3 == 0
    start = time.perf_counter()
    flipped, _ = arm_flip_max_t(
        gaps, unequal, baseline=baseline, strata=strata.astype(str), draws=DRAWS
    )
    report("signs flipped, 67 v 133, 4 strata, 5 % missing", start, flipped)
    start = time.perf_counter()
    small = max_t(values[:22], np.arange(22) < 11)
    report(f"maxT, Welch, 11 v 11, all {small.draws:,}", start, small.p_adjusted)


if __name__ == "__main__":
    main()
