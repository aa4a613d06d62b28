"""Time and level of the mixed model over many days.

    python benchmarks/mixed.py > benchmarks/results/mixed.txt

Process time of a comparison of 14 analytes over up to 21 days, and the type I error of the mixed
model under three true covariances: compound symmetry, serial correlation .9, and the same with
spreads that differ between days. Seeds are fixed; OMP_NUM_THREADS=1 keeps it on one core.
"""

from __future__ import annotations

import time

import numpy as np
import pandas as pd

from cytokit.trial.compare import compare
from cytokit.trial.mixed import mixed_model
from cytokit.trial.study import Study

RUNS = 500
ANALYTES = 14


def truth(kind: str, days: int) -> np.ndarray:
    """A covariance over the days."""
    at = np.arange(days)
    if kind == "compound symmetry":
        return np.full((days, days), 0.6) + 0.4 * np.eye(days)
    sd = np.exp(0.8 * np.sin(at)) if kind == "serial, unequal" else np.ones(days)
    return 0.9 ** np.abs(at[:, None] - at) * np.outer(sd, sd)


def study(days: int, lost: float = 0.05) -> Study:
    """12 v 12 subjects with values missing at random."""
    rng = np.random.default_rng(1)
    root = np.linalg.cholesky(truth("serial", days)).T
    rows = []
    for analyte in range(ANALYTES):
        values = np.exp(3 + rng.normal(size=(24, days)) @ root)
        who, when = np.nonzero(rng.uniform(size=values.shape) >= lost)
        rows.append(
            pd.DataFrame(
                {
                    "subject": [f"S{at:02d}" for at in who],
                    "group": np.where(who % 2, "treated", "control"),
                    "day": when,
                    "analyte": f"A{analyte:02d}",
                    "value": values[who, when],
                    "unit": "pg/mL",
                }
            )
        )
    return Study(pd.concat(rows, ignore_index=True))


def level(kind: str, covariance: str, n: int, days: int, lost: float) -> str:
    """How often the group effect at the last day is significant without one."""
    rng = np.random.default_rng(2)
    root = np.linalg.cholesky(truth(kind, days)).T
    rejected = fitted = 0
    for _ in range(RUNS):
        y = rng.normal(size=(n, days)) @ root
        who, when = np.nonzero(rng.uniform(size=y.shape) >= lost)
        means = (when[:, None] == np.arange(days)).astype(float)
        design = np.column_stack((means, means[:, 1:] * (who % 2)[:, None]))
        fit = mixed_model(
            y[who, when],
            who,
            design,
            np.eye(design.shape[1])[-1],
            visit=when,
            covariance=covariance,
            alone=[0, days - 1] if covariance == "compound" else (),
        )
        fitted += fit.converged
        rejected += fit.p < 0.05
    return f"{rejected / fitted:.3f} of {fitted}"


def main() -> None:
    """Print both."""
    for days in (4, 9, 14, 21):
        made = study(days)
        for mixed in (True, False):
            start = time.process_time()
            compare(made, baseline=0, day=days - 1, reference="control", mixed=mixed)
            seconds = time.process_time() - start
            beside = "with the mixed model" if mixed else "without it"
            print(f"{ANALYTES} analytes x {days} days {beside}: {seconds:.1f} s", flush=True)
    print(f"type I error at .05, 12 v 12, {RUNS} trials (standard error .010)")
    for kind in ("compound symmetry", "serial", "serial, unequal"):
        for lost in (0.05, 0.25):
            for covariance in ("compound", "intercept"):
                found = level(kind, covariance, 24, 21, lost)
                print(f"21 days, {kind}, {lost:.0%} missing, {covariance}: {found}", flush=True)
    for days, lost in ((3, 0.05), (4, 0.05), (4, 0.2), (6, 0.05), (6, 0.2)):
        for covariance in ("unstructured", "compound"):
            found = level("serial", covariance, 24, days, lost)
            print(f"{days} days, serial, {lost:.0%} missing, {covariance}: {found}", flush=True)
    for covariance in ("unstructured", "compound"):
        found = level("serial", covariance, 12, 4, 0.2)
        print(f"6 v 6, 4 days, serial, 20% missing, {covariance}: {found}", flush=True)


if __name__ == "__main__":
    main()
