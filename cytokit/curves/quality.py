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
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cytokit.arrays import Floats
from cytokit.curves.acceptance import PROFILES, Profile
from cytokit.curves.fit import DOWNWEIGHTED, StandardCurve, grouped_cv
from cytokit.curves.standards import (
    FALL_LIMIT,
    STEP_LIMIT,
    Series,
    every_series,
    log_signal,
    possible_level,
    possible_reading,
)
from cytokit.flags import Finding, formula_findings
from cytokit.options import FitOptions
from cytokit.plate import Plate, has_name, replicates
from cytokit.schema import RangeStatus, Severity, Verdict, WellType
from cytokit.sources.numbers import NAN

#: two readings of one level apart by more than this on ln MFI are not chance (5 sd of a 14 % CV)
REPLICATE_LIMIT = 0.7
#: ... where the higher one is above this share of the plate's highest standard: 100 MFI of 25,000
REPLICATE_SHARE = 0.004
#: e to this power is still a number
_LN_MAX = 700.0


def standard_findings(plate: Plate) -> list[Finding]:
    """All findings on the standards of one plate."""
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
    return found + replicate_outliers(plate)


def level_table(plate: Plate) -> pd.DataFrame:
    """Mean MFI per analyte and level, blanks as expected 0, sorted by expected concentration."""
    kinds = (str(WellType.STANDARD), str(WellType.BLANK))
    wells = plate.wells[plate.wells["well_type"].isin(kinds)]
    wells = wells.loc[possible_level(wells["expected"].to_numpy())]
    names, expected = wells["sample"].to_numpy(dtype=object), wells["expected"].to_numpy()
    place = {name: _rank(str(name), i) for i, name in enumerate(plate.wells["sample"].unique())}
    ranks = {name: place[name] if has_name(name) else None for name in set(names)}
    # levels without a name keep the order of their wells
    order = np.array(
        [
            at if ranks[name] is None else ranks[name]
            for name, at in zip(names, wells.index, strict=True)
        ],
        dtype=np.int64,
    )
    analyte, analytes = pd.factorize(wells["analyte"].to_numpy(dtype=object), sort=True)
    name_code, level_names = pd.factorize(names)
    level_code, levels = pd.factorize(expected)
    key = (analyte * len(level_names) + name_code) * len(levels) + level_code
    group, _ = pd.factorize(key)
    first = np.unique(group, return_index=True)[1]
    mfi = wells["mfi"].to_numpy(dtype=float)
    read = possible_reading(mfi)
    n, mean, _ = grouped_cv(group[read], mfi[read], len(first))
    least = np.full(len(first), np.iinfo(np.int64).max)
    np.minimum.at(least, group, order)
    rows = np.lexsort((least, expected[first], analyte[first]))
    at = first[rows]
    return pd.DataFrame(
        {
            "analyte": analytes[analyte[at]],
            "level": names[at],
            "expected": expected[at],
            "mfi": mean[rows],
            "n": n[rows],
            "order": least[rows],
        }
    )


def hooked_analytes(plate: Plate) -> frozenset[str]:
    """The analytes whose standards show a hook: a reading of theirs may mean far more."""
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


def replicate_outliers(plate: Plate) -> list[Finding]:
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
    high = (ends["max"] > REPLICATE_SHARE * ends["max"].max()).to_numpy()
    level = levels.ngroup().to_numpy()
    found = []
    for number in np.flatnonzero((apart > REPLICATE_LIMIT) & high).tolist():
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


# Plates beside each other: whether the signal of one lies far under that of the others.


#: a plate's mid-curve signal under this share of the other plates' median is named
LOW_SIGNAL = 0.5


@dataclass(frozen=True, slots=True)
class SignalLevels:
    """Ln MFI of a plate's standards: all that plates are compared by."""

    plate: str
    at: tuple[tuple[str, float], ...]
    ln_mfi: Floats


def signal_levels(plate: Plate) -> SignalLevels:
    """The standards of a plate above zero, as plates are compared by them."""
    table = level_table(plate)
    table = table[(table["expected"] > 0) & table["mfi"].notna()]
    table = table.assign(ln_mfi=log_signal(table["mfi"].to_numpy(dtype=float)))
    means = table.groupby(["analyte", "expected"])["ln_mfi"].mean()
    at = tuple((str(analyte), float(expected)) for analyte, expected in means.index)
    return SignalLevels(plate.name, at, means.to_numpy(dtype=float))


def signal_findings(plates: Sequence[SignalLevels]) -> list[Finding]:
    """Plates whose mid-curve signal lies far under that of the other plates."""
    if len(plates) < 3:
        return []
    places: dict[tuple[str, float], int] = {}
    columns = [[places.setdefault(at, len(places)) for at in plate.at] for plate in plates]
    grid = np.full((len(places), len(plates)), np.nan)
    for number, (plate, column) in enumerate(zip(plates, columns, strict=True)):
        grid[column, number] = plate.ln_mfi
    difference = grid - np.array([_median_of_others(row) for row in grid]).reshape(grid.shape)
    found = []
    for number in sorted(range(len(plates)), key=lambda number: plates[number].plate):
        known = difference[np.isfinite(difference[:, number]), number]
        share = fold(float(np.median(known))) if len(known) else math.nan
        if share < LOW_SIGNAL:
            message = f"the standards read {100 * share:.0f} % of the other plates' median"
            found.append(Finding("low_signal", message, plate=plates[number].plate))
    return found


def _median_of_others(values: Floats) -> Floats:
    """For each value the median of the others, NaN where there is no value or no other."""
    out = np.full(len(values), np.nan)
    there = np.flatnonzero(np.isfinite(values))
    left = len(there) - 1
    if left < 1:
        return out
    order = there[np.argsort(values[there], kind="stable")]
    ordered, place = values[order], np.arange(len(order))
    low, high = (left - 1) // 2, left // 2
    lower = ordered[np.where(place <= low, low + 1, low)]
    upper = ordered[np.where(place <= high, high + 1, high)]
    out[order] = (lower + upper) / 2
    return out


# Quality rules: one function per rule, one row of flags.csv per finding.


#: only what this share of a plate's samples has in common is usual on it
_USUAL_SHARE = 0.6


def plate_quality(plate: Plate, samples: pd.DataFrame, options: FitOptions) -> list[Finding]:
    """All findings on one plate for itself."""
    rules = PROFILES[options.profile]
    return [
        *formula_findings(
            [plate.name, *plate.wells["sample"].astype(str), *plate.analyte_names],
            plate=plate.name,
        ),
        *standard_findings(plate),
        *reading_findings(plate),
        *bead_findings(plate, rules),
        *control_findings(plate, samples, rules),
        *nameless_findings(plate),
        *repeated_sample_findings(plate),
        *replicate_findings(samples, rules),
    ]


def reading_findings(plate: Plate) -> list[Finding]:
    """Readings that no instrument gives."""
    mfi = plate.wells["mfi"].to_numpy(dtype=float)
    rows = plate.wells[~np.isnan(mfi) & ~possible_reading(mfi)]
    return [
        Finding(
            "impossible_reading",
            f"{row['mfi']:g} MFI is no reading: taken as not measured",
            plate.name,
            row["well"],
            row["sample"],
            row["analyte"],
        )
        for row in rows.to_dict("records")
    ]


def bead_findings(plate: Plate, rules: Profile) -> list[Finding]:
    """Readings on too few beads; an absent count is not a low one."""
    wells = plate.wells
    asked = wells["analyte"].map(plate.analytes.set_index("analyte")["min_beads"])
    warn = np.fmin(asked.astype("float64"), rules.beads_warn.value)
    low = wells["bead_count"] < rules.beads_fail.value
    few = (wells["bead_count"] < warn) & ~low
    found = []
    for row in wells.assign(least=warn)[low | few].to_dict("records"):
        failed = row["bead_count"] < rules.beads_fail.value
        least = rules.beads_fail.value if failed else row["least"]
        found.append(
            Finding(
                "low_count" if failed else "few_beads",
                f"{row['bead_count']:g} beads, fewer than {least:g}",
                plate.name,
                row["well"],
                row["sample"],
                row["analyte"],
                _gate(rules) if failed else None,
            )
        )
    return found


def replicate_findings(samples: pd.DataFrame, rules: Profile) -> list[Finding]:
    """Samples and controls in range whose replicates differ too much."""
    warn, fail = rules.cv_warn_pct.value, rules.cv_fail_pct.value
    in_range = samples["status"] == str(RangeStatus.IN_RANGE)
    # of printed means the intensities' spread alone is known
    printed = samples["cv_pct"].isna() & (samples["n_wells"] > 1)
    cv_pct = samples["cv_pct"].mask(printed, samples["mfi_cv_pct"]).astype("float64")
    found = []
    judged = samples.assign(cv_pct=cv_pct, printed=printed)
    for row in judged[in_range & (cv_pct > warn)].to_dict("records"):
        failed = row["cv_pct"] > fail
        of = " (of their MFI)" if row["printed"] else ""
        found.append(
            Finding(
                "replicate_cv",
                f"CV of the replicates{of} {row['cv_pct']:.1f} %, more than "
                f"{fail if failed else warn:g} %",
                row["plate"],
                "",
                row["sample"],
                row["analyte"],
                _gate(rules) if failed else Severity.WARN,
            )
        )
    return found


def _gate(rules: Profile) -> Severity:
    """How a result that breaks a rule counts: research never fails a plate."""
    return Severity.WARN if rules.name == "research" else Severity.FAIL


def control_findings(plate: Plate, samples: pd.DataFrame, rules: Profile) -> list[Finding]:
    """Quality controls outside their range, or far from a nominal value that has none."""
    wells = plate.wells.assign(sample=replicates(plate.wells).name)
    controls = wells[wells["well_type"] == str(WellType.CONTROL)]
    told = {(row["sample"], row["analyte"]): row for row in controls.to_dict("records")}
    mine = samples[
        (samples["plate"] == plate.name) & (samples["well_type"] == str(WellType.CONTROL))
    ]
    found: list[Finding] = []
    nominal: dict[str, list[tuple[float, bool]]] = {}
    silent: dict[str, list[str]] = {}
    for row in mine.to_dict("records"):
        sample, analyte = row["sample"], row["analyte"]
        allowed = _allowed(told[sample, analyte], rules, row["dilution_factor"])
        if row["status"] in _SILENT:
            continue
        if allowed is None:
            silent.setdefault(sample, []).append(analyte)
            continue
        read = row["concentration"]
        inside = bool(allowed.low <= read <= allowed.high)
        if allowed.level is not None:
            nominal.setdefault(analyte, []).append((allowed.level, inside))
        if inside:
            continue
        number = "no number" if np.isnan(read) else f"{read:.4g}"
        message = f"reads {number} ({row['status']}), expected {allowed.words} {row['unit']}"
        by_range = allowed.level is None
        found.append(
            Finding(
                "control_out_of_range" if by_range else "control_off_nominal",
                message.rstrip(),
                plate.name,
                "",
                sample,
                analyte,
                _gate(rules) if by_range else None,
            )
        )
    for analyte, seen in nominal.items():
        if why := _rejected(seen, rules):
            found.append(Finding("controls_rejected", why, plate.name, analyte=analyte))
    return found + [
        Finding("control_not_judged", "no range is known: not judged", plate.name, "", sample, name)
        for sample, analytes in silent.items()
        for name in ([""] if len(analytes) == len(plate.analytes) else analytes)
    ]


@dataclass(frozen=True, slots=True)
class _Allowed:
    """What a control may read: by a range, or, of a `level`, by the profile's tolerance."""

    low: float
    high: float
    words: str
    level: float | None = None


def _allowed(told: dict[Hashable, Any], rules: Profile, factor: float) -> _Allowed | None:
    """The range of a control; None where nothing says one.

    A range of no width is a nominal value that was entered twice. Where one end is missing the
    other one counts.
    """
    low, high, level = told["expected_low"], told["expected_high"], told["expected"] * factor
    if low == high:
        level = low if np.isnan(level) else level
    elif not (np.isnan(low) and np.isnan(high)):
        if np.isnan(high):
            return _Allowed(low, np.inf, f"at least {low:g}")
        if np.isnan(low):
            return _Allowed(-np.inf, high, f"at most {high:g}")
        return _Allowed(low, high, f"{low:g} to {high:g}")
    if rules.control_pct is None or not level > 0:
        return None
    share = rules.control_pct.value / 100
    words = f"within {rules.control_pct.value:g} % of {level:g}"
    return _Allowed(level * (1 - share), level * (1 + share), words, level)


def _rejected(seen: Sequence[tuple[float, bool]], rules: Profile) -> str:
    """Why the controls of an analyte reject it; empty where they do not."""
    if rules.control_share_pct is None or rules.control_level_pct is None:
        return ""
    inside = sum(good for _, good in seen)
    by_level: dict[float, list[bool]] = {}
    for level, good in seen:
        by_level.setdefault(level, []).append(good)
    bad = [
        f"{sum(good)} of {len(good)} at {level:g}"
        for level, good in by_level.items()
        if 100 * sum(good) < rules.control_level_pct.value * len(good)
    ]
    # the share of two thirds is exact: 2 of 3 are enough
    few = 100 * inside < rules.control_share_pct.value * len(seen) - 1e-6
    if not few and not bad:
        return ""
    parts = [f"{inside} of {len(seen)} controls read near their nominal value", *bad]
    return (
        f"{', '.join(parts)}; {rules.control_share_pct.value:.1f} % are asked for, and "
        f"{rules.control_level_pct.value:g} % at each level"
    )


#: a control without curve or reading has a finding of its own already
_SILENT = {
    str(RangeStatus.NO_CURVE),
    str(RangeStatus.NOT_MEASURED),
    str(RangeStatus.EXCLUDED),
}


def repeated_sample_findings(plate: Plate) -> list[Finding]:
    """Unknowns of one name in more wells, or at other dilutions, than is usual on the plate."""
    unknowns = plate.of_type(WellType.UNKNOWN).drop_duplicates("well")
    unknowns = unknowns[unknowns["sample"].map(has_name).astype(bool)]
    if unknowns.empty:
        return []
    same = replicates(unknowns)
    wells: dict[str, list[str]] = {}
    factors: dict[str, set[float]] = {}
    for name, well, factor in zip(same.name, unknowns["well"], same.factor, strict=True):
        wells.setdefault(name, []).append(well)
        factors.setdefault(name, set()).add(float(factor) if factor == factor else NAN)
    sizes = Counter(len(places) for places in wells.values())
    usual, share = sizes.most_common(1)[0]
    if share < _USUAL_SHARE * len(wells):
        usual = len(unknowns)
    planned, series = Counter(map(frozenset, factors.values())).most_common(1)[0]
    planned = planned if series >= _USUAL_SHARE * len(wells) and len(wells) > 1 else frozenset()
    found = []
    for name, places in wells.items():
        some = ", ".join(places[:8]) + (f" and {len(places) - 8} more" if places[8:] else "")
        where = f"{name!r} stands in {len(places)} wells ({some})"
        if len(factors[name]) > 1 and factors[name] != planned:
            known = [f"{factor:g}" for factor in sorted(factors[name]) if factor == factor]
            dilutions = ", ".join(known + ["unknown"] * (len(factors[name]) - len(known)))
            message = f"{where} with the dilution factors {dilutions}: taken as one sample"
        elif len(places) > usual:
            message = f"{where}, most samples in {usual}: taken as one sample, or are they two?"
        else:
            continue
        found.append(Finding("repeated_sample", message, plate.name, "", name))
    return found


def nameless_findings(plate: Plate) -> list[Finding]:
    """Wells of samples and controls without a name."""
    kinds = (str(WellType.UNKNOWN), str(WellType.CONTROL))
    rows = plate.wells[plate.wells["well_type"].isin(kinds)].drop_duplicates("well")
    bare = [well for well, name in zip(rows["well"], rows["sample"], strict=True)
            if not has_name(name)]  # fmt: skip
    if not bare:
        return []
    some = ", ".join(bare[:12]) + (f" and {len(bare) - 12} more" if len(bare) > 12 else "")
    what = "1 well has" if len(bare) == 1 else f"{len(bare)} wells have"
    message = f"{what} no sample name ({some}): each is a sample of its own, called by its well"
    return [Finding("no_sample_name", message, plate.name)]


# Findings of a fit, and the codes they set on wells and samples.


def curve_findings(curve: StandardCurve) -> list[Finding]:
    """What is to be said of a curve: its verdict, and wells the robust fit gave less weight."""
    codes = {Verdict.FAILED: "curve_failed", Verdict.POOR: "curve_poor"}
    found = []
    if curve.verdict in codes:
        code = codes[curve.verdict]
        found.append(Finding(code, curve.reason, curve.plate, analyte=curve.analyte))
    off = curve.wells["robust"].to_numpy() < DOWNWEIGHTED
    if curve.ok and off.any():
        low = curve.wells.loc[off]
        found += [
            Finding(
                "downweighted",
                f"weight {robust:.2f} of 1: {mfi:g} MFI lies off the curve",
                curve.plate,
                well,
                level,
                curve.analyte,
            )
            for well, level, mfi, robust in low[["well", "level", "mfi", "robust"]].to_numpy()
        ]
    return found


def exclusion_findings(exclusions: pd.DataFrame) -> list[Finding]:
    """One finding per row of the exclusions."""
    return [
        Finding(
            "excluded",
            row["reason"] + (f" ({row['who']})" if row["who"] else ""),
            plate=row["plate"],
            well=row["well"],
            analyte=row["analyte"],
        )
        for row in exclusions.to_dict("records")
    ]


def flagged(table: pd.DataFrame, key: str, findings: Iterable[Finding]) -> pd.DataFrame:
    """The table with the codes of the findings that name its rows added to ``flags``."""
    codes: dict[tuple[str, str, str], dict[str, None]] = {}
    for one in findings:
        name = getattr(one, key)
        if name and (key == "well" or not one.well):
            codes.setdefault((one.plate, name, one.analyte), {})[one.code] = None
    if not codes:
        return table
    flags = table["flags"].to_numpy().copy()
    columns = ["plate", key, "analyte"]
    names = {name for _, name, _ in codes}
    hit = np.flatnonzero(table[key].isin(names))
    for row, (plate, name, analyte) in zip(
        hit.tolist(), table[columns].iloc[hit].to_numpy().tolist(), strict=True
    ):
        own = flags[row]
        named = dict.fromkeys(own.split(";")) if own else {}
        named |= codes.get((plate, name, analyte), {}) | codes.get((plate, name, ""), {})
        flags[row] = ";".join(named)
    return table.assign(flags=pd.Series(flags, index=table.index, dtype="str"))
