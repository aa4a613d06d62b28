"""From an outcome to a row of the comparison's table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cytokit.stats import effects
from cytokit.stats.cells import AnalyteData, Bools, Cells
from cytokit.stats.contrasts import Contrast
from cytokit.stats.estimate import NAN, exp
from cytokit.stats.outcome import Outcome, flags_text
from cytokit.stats.summary import geometric_mean
from cytokit.vocabulary import COMPARISON_COLUMNS

#: columns after those of STATISTICS; more may follow
EXTRA_COLUMNS = (
    "treated_group",
    "control_group",
    "n_rank_treated",
    "n_rank_control",
    "gm_baseline",
    "p_fisher",
    "p_other_spread",
    "min_fold_change",
    "tipping_ratio",
    "tipping_error",
    "assay_share",
    "seed",
)
_COUNTS = (
    *("n_treated", "n_control", "n_rank_treated", "n_rank_control"),
    *("n_pairs", "n_missing", "n_died", "family_size"),
)
_TEXTS = ("analyte", "unit", "contrast", "family", "method", "adjust", "stars", "label", "flags")


@dataclass(frozen=True, slots=True)
class Record:
    """One contrast of one analyte: the subjects of its arms and what it came to."""

    contrast: Contrast
    data: AnalyteData
    outcome: Outcome


def make_row(record: Record, *, alpha: float = 0.05, power: float = 0.8) -> dict[str, Any]:
    """One row without its family's numbers.

    Parameters
    ----------
    record : Record
    alpha, power : float
        For the smallest fold change the design could have shown.

    Returns
    -------
    dict
        Keys are columns of the table.
    """
    contrast, data, outcome = record.contrast, record.data, record.outcome
    estimate, beside = outcome.estimate, outcome.beside
    group, used = data.subjects.group, outcome.used
    treated = group == contrast.treated
    control = group == contrast.control
    arms = {"treated": treated, "control": control}
    paired = data.base.present & data.day.present
    died = data.subjects.died & ~data.day.present
    counts = {
        f"n_{arm}": int((used & rows).sum()) if getattr(contrast, arm) else None
        for arm, rows in arms.items()
    }
    ranked = used if beside.used is None else beside.used
    ranks = {
        f"n_rank_{arm}": int((ranked & rows).sum()) if getattr(contrast, arm) else None
        for arm, rows in arms.items()
    }
    shares = {
        f"pct_below_{arm}": _percent(data.day, data.day.below, ranked & rows)
        for arm, rows in arms.items()
    }
    means = {f"gm_{arm}": _mean(data.day, used & rows) for arm, rows in arms.items()}
    within = len(contrast.arms) == 1
    return {
        "analyte": data.analyte,
        "unit": data.unit,
        "contrast": contrast.name,
        "family": contrast.family,
        "method": estimate.method,
        **counts,
        "n_pairs": int(paired.sum()),
        "n_missing": int((~used & ~died).sum()),
        "n_died": int(died.sum()),
        **shares,
        "pct_above": _percent(data.day, data.day.above, ranked),
        **means,
        "ratio": estimate.ratio,
        "ratio_low": exp(estimate.low),
        "ratio_high": exp(estimate.high),
        "statistic": estimate.statistic,
        "df": estimate.df,
        "p": estimate.p,
        "p_rank": beside.p_rank,
        "hl_ratio": exp(beside.hl),
        "hl_low": exp(beside.hl_low),
        "hl_high": exp(beside.hl_high),
        "hedges_g": beside.hedges_g,
        "cles": effects.cles(beside.delta),
        "cliffs_delta": beside.delta,
        "p_min_attainable": beside.p_min,
        "flags": flags_text(outcome.notes),
        "treated_group": contrast.treated,
        "control_group": contrast.control,
        **ranks,
        "gm_baseline": _mean(data.base, used) if within else NAN,
        "p_fisher": beside.p_fisher,
        "p_other_spread": outcome.p_other_spread,
        "min_fold_change": min_fold_change(estimate.se, estimate.df, alpha, power),
        "tipping_ratio": outcome.tipping_ratio,
        "tipping_error": outcome.tipping_error,
        "assay_share": outcome.assay_share,
    }


def min_fold_change(se: float, df: float, alpha: float, power: float) -> float:
    """The smallest fold change that a test with this standard error shows with this power.

    Parameters
    ----------
    se, df : float
        Standard error on the ln scale and its degrees of freedom.
    alpha, power : float

    Returns
    -------
    float
        Greater than 1; NaN where there is no standard error.

    Examples
    --------
    >>> round(min_fold_change(0.2, 21, 0.05, 0.8), 2)
    1.8
    """
    if np.isnan(se) or np.isnan(df):
        return NAN
    from scipy import special

    return exp(float(special.stdtrit(df, 1 - alpha / 2) + special.stdtrit(df, power)) * se)


def make_table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """The table from its rows: columns in order, counts as integers that may be absent."""
    names = [*COMPARISON_COLUMNS, *EXTRA_COLUMNS]
    table = pd.DataFrame(rows, columns=names)
    for name in names:
        if name in _COUNTS or name == "seed":
            table[name] = table[name].astype("Int64")
        elif name in _TEXTS or name.endswith("_group"):
            table[name] = table[name].fillna("").astype("str")
        else:
            table[name] = table[name].astype("float64")
    return table


def _percent(day: Cells, outside: Bools, rows: Bools) -> float:
    """Per cent of the values present in these rows; NaN where there is none."""
    present = day.present & rows
    return 100.0 * float((outside & rows).sum()) / int(present.sum()) if present.any() else NAN


def _mean(cells: Cells, rows: Bools) -> float:
    return geometric_mean(cells.take(rows & cells.present))
