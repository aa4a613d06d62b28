"""What is wrong with the standards of a plate: causes are named and proposed, never applied.

Each rule is a function from one plate's level table to findings. A cause that hits several
analytes alike is one finding that lists them, because a mistake at the bench or in a file
rarely stops at one analyte.

Sources: the hazards are those of the real exports cytokit was built on (expected concentrations
that lost their decimal point, levels in the wrong wells, prozone); the hook effect is described
by Fernando and Wilson, J. Immunol. Methods 151 (1992) 47.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import pandas as pd

from cytokit.findings import Finding
from cytokit.plate import Plate
from cytokit.vocabulary import WellType

#: two readings of one level apart by more than this on ln MFI are not chance (5 sd of a 14 % CV)
TWIN_LIMIT = 0.7
#: a fall of MFI with rising concentration that noise does not explain, on ln MFI
FALL_LIMIT = 0.25
#: how far a dilution step may lie from the series' own, on ln concentration
STEP_LIMIT = 0.25
#: a plate's mid-curve signal under this share of the other plates' median is named
LOW_SIGNAL = 0.5
_LN10 = float(np.log(10.0))


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
    for rule in RULES:
        seen: dict[tuple[str, str], list[str]] = defaultdict(list)
        for analyte, table in levels.groupby("analyte", sort=False):
            for what in rule(table.reset_index(drop=True)):
                seen[what].append(str(analyte))
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
        mfi, n.
    """
    kinds = (str(WellType.STANDARD), str(WellType.BLANK))
    rows = plate.wells[plate.wells["well_type"].isin(kinds)]
    rows = rows[rows["expected"].notna() & rows["mfi"].notna()]
    order = {name: _rank(str(name), i) for i, name in enumerate(plate.wells["sample"].unique())}
    table = rows.groupby(["analyte", "sample", "expected"], sort=False)["mfi"].agg(["mean", "size"])
    table = table.reset_index().rename(columns={"sample": "level", "mean": "mfi", "size": "n"})
    table["order"] = table["level"].map(order)
    return table.sort_values(["analyte", "expected", "order"], kind="stable")


def _rank(level: str, place: int) -> int:
    number = re.search(r"(\d+)\s*$", level)
    return int(number[1]) if number else place


What = tuple[str, str]
Rule = Callable[[pd.DataFrame], Iterable[What]]


def expected_typo(levels: pd.DataFrame) -> Iterable[What]:
    """One expected concentration off by a power of ten from the series of its neighbours."""
    series = _standards(levels).sort_values("order", kind="stable")
    if len(series) < 5:
        return
    logs = np.log(series["expected"].to_numpy())
    step = float(np.median(np.diff(logs)))
    intercept = float(np.median(logs - step * np.arange(len(logs))))
    off = logs - step * np.arange(len(logs)) - intercept
    power = np.round(off / _LN10)
    regular = np.abs(off) < STEP_LIMIT
    typo = (power != 0) & (np.abs(off - power * _LN10) < STEP_LIMIT)
    if typo.sum() != 1 or regular.sum() != len(off) - 1:
        return
    i = int(np.flatnonzero(typo)[0])
    given = float(series["expected"].iloc[i])
    likely = given / 10.0 ** power[i]
    yield (
        "expected_typo",
        f"expected concentration of {series['level'].iloc[i]} is {given:g} where its neighbours "
        f"suggest {likely:g} (a decimal point lost or moved?)",
    )


def series_irregular(levels: pd.DataFrame) -> Iterable[What]:
    """A dilution step unlike the others, where no single typo explains it."""
    series = _standards(levels)
    if len(series) < 5 or list(expected_typo(levels)):
        return
    steps = np.diff(np.log(series["expected"].to_numpy()))
    usual = float(np.median(steps))
    odd = np.flatnonzero(np.abs(steps - usual) > STEP_LIMIT)
    if 0 < len(odd) <= 2:
        for i in odd:
            yield (
                "series_irregular",
                f"the step from {series['level'].iloc[i]} to {series['level'].iloc[i + 1]} is "
                f"{np.exp(steps[i]):.3g}-fold where the series goes {np.exp(usual):.3g}-fold",
            )


def direction(levels: pd.DataFrame) -> Iterable[What]:
    """The whole curve runs the wrong way: numbers of the standards assigned upside down."""
    series = _standards(levels)
    if len(series) < 4:
        return
    logs = np.log(np.maximum(series["mfi"].to_numpy(), 0.5))
    falls = (np.diff(logs) < -FALL_LIMIT).sum()
    if falls > (len(series) - 1) / 2 and logs[-1] < logs[0] - 2 * FALL_LIMIT:
        yield (
            "direction_reversed",
            "MFI falls as the expected concentration rises: the standards may be numbered in the "
            "other direction (S1 is the highest in some kits, the lowest in others)",
        )


def swapped(levels: pd.DataFrame) -> Iterable[What]:
    """Two neighbouring levels whose exchange makes the curve rise again."""
    series = _standards(levels)
    if len(series) < 4 or list(direction(levels)):
        return
    logs = np.log(np.maximum(series["mfi"].to_numpy(), 0.5))
    # the last pair is left to the hook rule: there a fall has another likely cause
    for i in range(len(logs) - 2):
        mended = logs.copy()
        mended[[i, i + 1]] = mended[[i + 1, i]]
        fell = logs[i] - logs[i + 1] > 2 * FALL_LIMIT
        if fell and (np.diff(mended) > -FALL_LIMIT / 2).all():
            yield (
                "levels_swapped",
                f"{series['level'].iloc[i]} and {series['level'].iloc[i + 1]} look exchanged: the "
                "curve rises throughout once they change places",
            )


def monotone(levels: pd.DataFrame) -> Iterable[What]:
    """A fall inside the series that no exchange of two levels explains."""
    series = _standards(levels)
    if len(series) < 3 or list(direction(levels)) or list(swapped(levels)):
        return
    logs = np.log(np.maximum(series["mfi"].to_numpy(), 0.5))
    span = logs.max() - logs.min()
    for i in np.flatnonzero(np.diff(logs)[:-1] < -FALL_LIMIT):
        if span > 4 * FALL_LIMIT:
            yield (
                "not_monotone",
                f"MFI falls from {series['level'].iloc[i]} to {series['level'].iloc[i + 1]} "
                "although the concentration rises",
            )


def hook(levels: pd.DataFrame) -> Iterable[What]:
    """The top standard reads lower than the one below it (prozone)."""
    series = _standards(levels)
    if len(series) < 4 or list(direction(levels)):
        return
    logs = np.log(np.maximum(series["mfi"].to_numpy(), 0.5))
    if logs[-2] - logs[-1] > FALL_LIMIT / 2 and logs[-2] > logs[0] + 4 * FALL_LIMIT:
        yield (
            "hook",
            f"the top standard {series['level'].iloc[-1]} reads "
            f"{100 * (1 - np.exp(logs[-1] - logs[-2])):.0f} % under "
            f"{series['level'].iloc[-2]}: a hook (prozone), or these two exchanged",
        )


def saturated(levels: pd.DataFrame) -> Iterable[What]:
    """Three or more top standards at one height: the reader or the beads are at their end."""
    series = _standards(levels)
    if len(series) < 6:
        return
    logs = np.log(np.maximum(series["mfi"].to_numpy(), 0.5))
    flat = int(np.argmax(np.abs(logs[::-1] - logs[-1]) > 0.03)) if np.ptp(logs) > 0.03 else 0
    if flat >= 3 and logs[-1] > logs[0] + 4 * FALL_LIMIT:
        yield (
            "saturated",
            f"the top {flat} standards read the same MFI within 3 %: the signal is saturated",
        )


def blank_high(levels: pd.DataFrame) -> Iterable[What]:
    """The blank reads above the lowest standards."""
    blanks = levels[levels["expected"] == 0.0]
    series = _standards(levels)
    if blanks.empty or len(series) < 3:
        return
    blank = float(np.average(blanks["mfi"], weights=blanks["n"]))
    under = series[series["mfi"] * np.exp(FALL_LIMIT) < blank]
    if list(direction(levels)) or under.empty or under.index[0] != series.index[0]:
        return
    yield (
        "blank_high",
        f"the blank reads above {', '.join(map(str, under['level']))}: "
        "it may be contaminated or in a wrong well",
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
    rows = rows[rows["mfi"] > 0]
    found = []
    for (sample, analyte), group in rows.groupby(["sample", "analyte"], sort=False):
        if len(group) < 2:
            continue
        logs = np.log(group["mfi"].to_numpy())
        apart = float(np.ptp(logs))
        if apart > TWIN_LIMIT and group["mfi"].max() > 100:
            wells = ", ".join(group["well"])
            message = f"replicates {wells} differ {np.exp(apart):.2g}-fold"
            found.append(Finding("twin_apart", message, plate.name, "", str(sample), str(analyte)))
    return found


def signal_findings(plates: Sequence[Plate]) -> list[Finding]:
    """Plates whose mid-curve signal lies far under that of the other plates.

    Parameters
    ----------
    plates : sequence of Plate
        At least three, with common analytes and levels.

    Returns
    -------
    list of Finding
        Code ``low_signal``.
    """
    if len(plates) < 3:
        return []
    tables = [level_table(plate).assign(plate=plate.name) for plate in plates]
    levels = pd.concat([table[table["expected"] > 0] for table in tables])
    levels["ln_mfi"] = np.log(levels["mfi"].clip(lower=0.5))
    wide = levels.pivot_table(index=["analyte", "expected"], columns="plate", values="ln_mfi")
    found = []
    for name in wide.columns:
        others = wide.drop(columns=name).median(axis=1)
        share = float(np.exp((wide[name] - others).median()))
        if share < LOW_SIGNAL:
            message = f"the standards read {100 * share:.0f} % of the other plates' median"
            found.append(Finding("low_signal", message, plate=str(name)))
    return found


def _standards(levels: pd.DataFrame) -> pd.DataFrame:
    return levels[levels["expected"] > 0].reset_index(drop=True)


def _finding(plate: Plate, code: str, message: str, analytes: list[str]) -> Finding:
    """One finding; the analyte column names it where there is only one."""
    if len(analytes) == 1:
        return Finding(code, message, plate.name, analyte=analytes[0])
    everywhere = len(analytes) == len(plate.analytes)
    named = "all analytes" if everywhere else ", ".join(analytes)
    return Finding(code, f"{message} [{named}]", plate.name)
