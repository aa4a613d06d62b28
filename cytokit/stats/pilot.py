"""What a pilot study shows of the next trial: spread, correlation, values out of range."""

from __future__ import annotations

import numpy as np

from cytokit.errors import Problem, UsageError, did_you_mean
from cytokit.stats.cells import Cells, Floats, analyte_data
from cytokit.stats.comparison import Comparison
from cytokit.stats.power import Scenario


def scenario_of(result: Comparison, analyte: str) -> Scenario:
    """The spread, correlation and shares out of range that a study showed.

    Parameters
    ----------
    result : Comparison
        A pilot study, compared.
    analyte : str

    Returns
    -------
    Scenario
        From both arms together, each about its own mean: the spread of all values, those out of
        range as intervals (Tobit); the correlation of the pairs in range.

    Raises
    ------
    UsageError
        CK-403 for an unknown analyte, CK-414 for one with too few values in range.
    """
    if analyte not in result.analytes:
        what, names = f"the pilot study has no analyte {analyte!r}", result.analytes
        mend, near = f"its analytes are {', '.join(names)}", did_you_mean(analyte, names)
        raise UsageError(Problem("CK-403", what, mend=mend, near=near))
    data = analyte_data(result.study, [analyte], result.baseline, result.day)[0]
    used = data.day.present & data.day.exact
    groups = data.subjects.group
    day = _centred(data.day.lower, used, groups)
    if used.sum() < 6 or not day.std() > 0:
        what = f"{analyte} has {int(used.sum())} values in range, 6 that differ are needed"
        raise UsageError(Problem("CK-414", what, mend="give the spread by hand (Scenario, --sd)"))
    both = used & data.base.present & data.base.exact
    correlation = 0.0
    if both.sum() >= 6:
        base = _centred(data.base.lower, both, groups)
        after = _centred(data.day.lower, both, groups)
        if base.std() > 0 and after.std() > 0:
            correlation = float(np.clip(np.corrcoef(base, after)[0, 1], -0.99, 0.99))
    sd = _spread(data.day, groups)
    n = int(data.day.present.sum())
    below, above = int(data.day.below.sum()) / n, int(data.day.above.sum()) / n
    return Scenario(sd, correlation, below, above=above)


def _spread(cells: Cells, groups: np.ndarray) -> float:
    """Standard deviation about the arms' means; leaving values out of range out would shrink it."""
    present, used = cells.present, cells.present & cells.exact
    if used.sum() < present.sum():
        from cytokit.stats.censored import tobit

        arms = list(dict.fromkeys(groups[used].tolist()))
        mine = present & np.isin(groups, arms)  # an arm all out of range has no mean to be about
        design = np.array([groups[mine] == arm for arm in arms], dtype=float).T
        fitted = tobit(cells.lower[mine], cells.upper[mine], design)
        if fitted.converged:
            n = int(mine.sum())
            return float(fitted.scale * np.sqrt(n / (n - len(arms))))
    squares = _centred(cells.lower, used, groups) ** 2
    return float(np.sqrt(squares.sum() / (used.sum() - len(set(groups[used].tolist())))))


def _centred(values: Floats, used: np.ndarray, groups: np.ndarray) -> Floats:
    """The used values, each about the mean of its group."""
    mine, arms = values[used], groups[used]
    means = {arm: mine[arms == arm].mean() for arm in dict.fromkeys(arms.tolist())}
    return np.asarray(mine - np.array([means[arm] for arm in arms.tolist()]))
