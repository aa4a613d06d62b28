"""Small trials made in the test, with a known truth."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from cytokit.trial.study import Study


def trial_table(
    n_treated: int = 12,
    n_control: int = 12,
    analytes: tuple[str, ...] = ("IL-6",),
    *,
    effect: float = 0.0,
    decline: float = 0.0,
    correlation: float = 0.6,
    sd: float = 1.0,
    days: tuple[int, ...] = (0, 6),
    seed: int = 1,
) -> pd.DataFrame:
    """A tidy table: ln normal values; decline in both arms, effect on the treated."""
    rng = np.random.default_rng(seed)
    rows = []
    for at in range(n_treated + n_control):
        group = "treated" if at < n_treated else "control"
        for analyte in analytes:
            own = rng.normal(0, np.sqrt(correlation) * sd)
            for day in days:
                shift = (decline + effect * (group == "treated")) if day != days[0] else 0.0
                noise = rng.normal(0, np.sqrt(1 - correlation) * sd)
                value = float(np.exp(3 + own + noise + shift))
                rows.append((f"S{at:02d}", group, day, analyte, value, "pg/mL"))
    columns = ["subject", "group", "day", "analyte", "value", "unit"]
    return pd.DataFrame(rows, columns=columns)


@pytest.fixture
def table() -> Callable[..., pd.DataFrame]:
    """Makes a trial's table."""
    return trial_table


@pytest.fixture
def trial() -> Callable[..., Study]:
    """Makes a trial."""

    def make(**options: object) -> Study:
        return Study(trial_table(**options))  # type: ignore[arg-type]

    return make


@pytest.fixture
def floored() -> Callable[..., Study]:
    """Makes a trial whose lowest values are reported as ``<limit``."""

    def make(share: float, side: str = "<", **options: object) -> Study:
        table = trial_table(**options)  # type: ignore[arg-type]
        limit = float(table["value"].quantile(share if side == "<" else 1 - share))
        outside = table["value"] < limit if side == "<" else table["value"] > limit
        texts = table["value"].map(repr).mask(outside, f"{side}{limit!r}")
        return Study(table.assign(value=texts))

    return make
