"""What is wrong with the standards of a plate: causes are named and proposed, never applied.

Each rule is a function from one plate's level table to findings. A cause that hits several
analytes alike is one finding that lists them, because a mistake at the bench or in a file
rarely stops at one analyte.

Sources: the hazards are those of the real exports cytokit was built on (expected concentrations
that lost their decimal point, levels in the wrong wells, prozone); the hook effect is described
by Fernando and Wilson, J. Immunol. Methods 151 (1992) 47.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable

import numpy as np
import pandas as pd

from cytokit.curves.standard_series import FALL_LIMIT, STEP_LIMIT, Series, every_series
from cytokit.curves.wells import possible_level, possible_reading
from cytokit.findings import Finding
from cytokit.plate import Plate, has_name
from cytokit.vocabulary import WellType

#: two readings of one level apart by more than this on ln MFI are not chance (5 sd of a 14 % CV)
TWIN_LIMIT = 0.7
#: ... where the higher one is above this share of the plate's highest standard: 100 MFI of 25,000
TWIN_SHARE = 0.004
#: e to this power is still a number
_LN_MAX = 700.0


def standard_findings(plate: Plate) -> list[Finding]:
    """All findings on the standards of one plate.

    Parameters
    ----------
    plate : Plate

    Returns
    -------
    list of Finding
        Codes ``expected_typo``, ``levels_swapped``, ``direction_reversed``,
        ``series_irregular``, ``hook``, ``not_monotone``, ``blank_high``, ``twin_apart``,
        ``saturated``.

    Examples
    --------
    >>> from cytokit.simulate import simulate_trial
    >>> standard_findings(simulate_trial(seed=1, subjects=8).plates[0])
    []
    """
    levels = level_table(plate)
    if levels.empty:
        return []
    found: list[Finding] = []
    every = list(every_series(levels))
    for rule in RULES:
        seen: dict[What, list[str]] = defaultdict(list)
        for series in every:
            for what in rule(series):
                seen[what].append(series.analyte)
        for (code, message), analytes in seen.items():
            found.append(_finding(plate, code, message, analytes))
    return found + twin_findings(plate)


def level_table(plate: Plate) -> pd.DataFrame:
    """Mean MFI per analyte and level, blanks as expected 0, sorted by expected concentration.

    Parameters
    ----------
    plate : Plate

    Returns
    -------
    pandas.DataFrame
        analyte, level, order (the level's own number, else its place in the file), expected,
        mfi (NaN for a level without a reading), n (readings).
    """
    kinds = (str(WellType.STANDARD), str(WellType.BLANK))
    rows = plate.wells[plate.wells["well_type"].isin(kinds)]
    levels, readings = rows["expected"].to_numpy(), rows["mfi"].to_numpy()
    rows = rows.assign(mfi=np.where(possible_reading(readings), readings, np.nan))
    rows = rows.loc[possible_level(levels)]
    order = {name: _rank(str(name), i) for i, name in enumerate(plate.wells["sample"].unique())}
    places = zip(rows["sample"], rows.index, strict=True)
    ranks = [order[name] if has_name(name) else place for name, place in places]
    keys = ["analyte", "sample", "expected"]
    grouped = rows.assign(order=ranks).groupby(keys, sort=False)
    table = grouped.agg(mfi=("mfi", "mean"), n=("mfi", "count"), order=("order", "min"))
    table = table.reset_index().rename(columns={"sample": "level"})
    return table.sort_values(["analyte", "expected", "order"], kind="stable")


def hooked_analytes(plate: Plate) -> frozenset[str]:
    """The analytes whose standards show a hook: a reading of theirs may mean far more.

    Parameters
    ----------
    plate : Plate

    Returns
    -------
    frozenset of str
    """
    levels = level_table(plate)
    if levels.empty:
        return frozenset()
    return frozenset(one.analyte for one in every_series(levels) if one.hook is not None)


def _rank(level: str, place: int) -> int:
    name = level.rstrip()
    digits = name[len(name.rstrip("0123456789")) :]
    return int(digits) if 0 < len(digits) < 10 else place


What = tuple[str, str]
Rule = Callable[[Series], Iterable[What]]


def expected_typo(series: Series) -> Iterable[What]:
    """One expected concentration off by a power of ten from the series of its neighbours."""
    if series.typo is None:
        return
    i, likely = series.typo
    yield (
        "expected_typo",
        f"expected concentration of {series.planned_names[i]} is {series.planned[i]:g} where its "
        f"neighbours suggest {likely:g} (a decimal point lost or moved?)",
    )


def series_irregular(series: Series) -> Iterable[What]:
    """A dilution step unlike the others, where no single typo explains it."""
    names = series.planned_names
    if len(names) < 5 or series.typo is not None:
        return
    steps = np.diff(np.log(series.planned))
    usual = float(np.median(steps))
    odd = np.flatnonzero(np.abs(steps - usual) > STEP_LIMIT)
    if 0 < len(odd) <= 2:
        for i in odd:
            yield (
                "series_irregular",
                f"the step from {names[i]} to {names[i + 1]} is "
                f"{fold(steps[i]):.3g}-fold where the series goes {fold(usual):.3g}-fold",
            )


def direction(series: Series) -> Iterable[What]:
    """The whole curve runs the wrong way: numbers of the standards assigned upside down."""
    if series.falling:
        yield (
            "direction_reversed",
            "MFI falls as the expected concentration rises: the standards may be numbered in the "
            "other direction (S1 is the highest in some kits, the lowest in others)",
        )


def swapped(series: Series) -> Iterable[What]:
    """Two neighbouring levels whose exchange makes the curve rise again."""
    for i in series.exchanged:
        yield (
            "levels_swapped",
            f"{series.names[i]} and {series.names[i + 1]} look exchanged: the "
            "curve rises throughout once they change places",
        )


def monotone(series: Series) -> Iterable[What]:
    """A fall inside the series that no exchange of two levels explains."""
    logs = series.log_y
    if len(logs) < 3 or series.falling or series.exchanged:
        return
    end = len(logs) - 1 if series.hook is None else series.hook
    if np.ptp(logs) > 4 * FALL_LIMIT:
        for i in np.flatnonzero(np.diff(logs[:end]) < -FALL_LIMIT):
            yield (
                "not_monotone",
                f"MFI falls from {series.names[i]} to {series.names[i + 1]} "
                "although the concentration rises",
            )


def hook(series: Series) -> Iterable[What]:
    """The top standards read lower than those below them (prozone)."""
    if series.hook is None:
        return
    logs, names = series.log_y, series.names
    peak = int(logs[: series.hook].argmax())
    past = names[series.hook :]
    what = f"the top standard {past[0]} reads" if len(past) == 1 else (
        f"the top standards {', '.join(past)} read down to"
    )  # fmt: skip
    drop = 100 * (1 - np.exp(logs[series.hook :].min() - logs[peak]))
    likely = ", or these two exchanged" if len(past) == 1 else ""
    yield "hook", f"{what} {drop:.0f} % under {names[peak]}: a hook (prozone){likely}"


def saturated(series: Series) -> Iterable[What]:
    """Three or more top standards at one height: the reader or the beads are at their end."""
    logs = series.log_y
    if len(logs) < 6:
        return
    apart = np.abs(logs[::-1] - logs[-1]) > 0.03
    flat = int(apart.argmax())
    if flat >= 3 and logs[-1] > logs[0] + 4 * FALL_LIMIT:
        yield (
            "saturated",
            f"the top {flat} standards read the same MFI within 3 %: the signal is saturated",
        )


def blank_high(series: Series) -> Iterable[What]:
    """The blank reads above the lowest standards."""
    if len(series.names) < 3 or series.falling or math.isnan(series.blank):
        return
    under = series.mfi < series.blank / math.exp(FALL_LIMIT)
    if under[0]:
        names = ", ".join(series.names[i] for i in np.flatnonzero(under))
        yield (
            "blank_high",
            f"the blank reads above {names}: it may be contaminated or in a wrong well",
        )


#: in the order in which they are reported
RULES: tuple[Rule, ...] = (
    expected_typo,
    series_irregular,
    direction,
    swapped,
    monotone,
    hook,
    saturated,
    blank_high,
)


def twin_findings(plate: Plate) -> list[Finding]:
    """Standard wells far from their replicate."""
    rows = plate.of_type(WellType.STANDARD)
    readings = rows["mfi"].to_numpy()
    rows = rows.loc[possible_reading(readings) & (readings > 0)]
    # wells without a name are of one level where the same concentration is expected of them
    told = rows["sample"].map(has_name).to_numpy(dtype=bool) | rows["expected"].notna().to_numpy()
    rows = rows.loc[told]
    levels = rows.groupby(["sample", "analyte", "expected"], sort=False, dropna=False)
    ends = levels["mfi"].agg(["min", "max"])
    apart = (np.log(ends["max"]) - np.log(ends["min"])).to_numpy()
    high = (ends["max"] > TWIN_SHARE * ends["max"].max()).to_numpy()
    level = levels.ngroup().to_numpy()
    found = []
    for number in np.flatnonzero((apart > TWIN_LIMIT) & high).tolist():
        sample, analyte, _ = ends.index[number]
        wells = ", ".join(rows["well"].to_numpy()[level == number])
        message = f"replicates {wells} differ {fold(float(apart[number])):.2g}-fold"
        found.append(Finding("twin_apart", message, plate.name, "", str(sample), str(analyte)))
    return found


def fold(step: float) -> float:
    """The ratio of a step in logarithms; infinite where no number holds it."""
    return math.exp(step) if step < _LN_MAX else math.inf


def _finding(plate: Plate, code: str, message: str, analytes: list[str]) -> Finding:
    """One finding; the analyte column names it where there is only one."""
    if len(analytes) == 1:
        return Finding(code, message, plate.name, analyte=analytes[0])
    everywhere = len(analytes) == len(plate.analytes)
    named = "all analytes" if everywhere else ", ".join(analytes)
    return Finding(code, f"{message} [{named}]", plate.name)
