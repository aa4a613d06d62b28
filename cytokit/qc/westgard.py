"""Westgard's rules, one function each: from z-values in the order of the runs to where they break.

Source: Westgard JO, Barry PL, Hunt MR, Groth T. A multi-rule Shewhart chart for quality control in
clinical chemistry. Clin Chem 1981; 27: 493-501.

Each takes the z-values of one material in one stretch of the same lot, plates without a value left
out, and returns a mark at each value that completes the pattern. They are defined for values of a
control that scatter normally about a mean and SD found beforehand on other runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from cytokit.arrays import Bools, Floats
from cytokit.errors import InputError, Problem, place
from cytokit.flags import FLAGS
from cytokit.qc.guide import ENOUGH, Guide, SeriesKey
from cytokit.qc.series import CONTROL, ORIENTED, ChartPlate, series_name
from cytokit.schema import TABLES, QcRole, Severity


def rule_1_2s(z: ArrayLike) -> Bools:
    """1-2s, the warning: one value beyond 2 SD. One in 22 is, where nothing is wrong."""
    return np.abs(_array(z)) > 2.0


def rule_1_3s(z: ArrayLike) -> Bools:
    """1-3s: one value beyond 3 SD; random error, or a large shift."""
    return np.abs(_array(z)) > 3.0


def rule_2_2s(z: ArrayLike) -> Bools:
    """2-2s: two values in a row beyond the same limit of 2 SD; systematic error."""
    return _run(z, 2, lambda values: values > 2.0)


def rule_4_1s(z: ArrayLike) -> Bools:
    """4-1s: four values in a row beyond the same limit of 1 SD; systematic error."""
    return _run(z, 4, lambda values: values > 1.0)


def rule_10_x(z: ArrayLike) -> Bools:
    """10-x: ten values in a row on one side of the mean; systematic error."""
    return _run(z, 10, lambda values: values > 0.0)


def rule_r_4s(z: ArrayLike) -> bool:
    """R-4s: within one run, one level above +2 SD and another below -2 SD; random error."""
    values = _array(z)
    values = values[np.isfinite(values)]
    return bool(values.size > 1 and values.max() > 2.0 and values.min() < -2.0)


#: rules along the runs of one material: name, function, how many values the pattern takes
ALONG: Sequence[tuple[str, Callable[[ArrayLike], Bools], int]] = (
    ("1-2s", rule_1_2s, 1),
    ("1-3s", rule_1_3s, 1),
    ("2-2s", rule_2_2s, 2),
    ("4-1s", rule_4_1s, 4),
    ("10-x", rule_10_x, 10),
)
#: what each rule says, for messages
MEANINGS = {
    "1-2s": "beyond 2 SD",
    "1-3s": "beyond 3 SD",
    "2-2s": "two in a row beyond the same limit of 2 SD",
    "R-4s": "one level above +2 SD and another below -2 SD on one plate",
    "4-1s": "four in a row beyond the same limit of 1 SD",
    "10-x": "ten in a row on one side of the mean",
}


def _array(z: ArrayLike) -> Floats:
    return np.asarray(z, dtype=np.float64)


def _run(z: ArrayLike, length: int, beyond: Callable[[Floats], Bools]) -> Bools:
    """Where the last so many values all lie beyond, on the same side."""
    values = _array(z)
    broken = np.zeros(len(values), dtype=bool)
    if len(values) < length:
        return broken
    for side in (values, -values):
        windows = np.lib.stride_tricks.sliding_window_view(beyond(side), length)
        broken[length - 1 :] |= windows.all(axis=1)
    return broken


# Plates judged by a guide: z-values, rules broken, and what each of them says.


#: the rules were made for controls; elsewhere they point at something and reject nothing
_MILDER = {Severity.FAIL: Severity.WARN, Severity.WARN: Severity.INFO}


@dataclass(frozen=True, slots=True)
class QcFinding:
    """One row of qc_flags.csv; empty where a field does not apply."""

    code: str
    message: str
    plate: str = ""
    series: str = ""
    level: str = ""
    analyte: str = ""
    rule: str = ""
    z: tuple[float, ...] = ()
    severity: Severity | None = None


def with_limits(
    table: pd.DataFrame, plates: Sequence[ChartPlate], guide: Guide | None
) -> pd.DataFrame:
    """The series with date, lot, role, limits and z-values; no rule applied yet."""
    by_name = {plate.name: plate for plate in plates}
    roles = {name: _role(plate, guide) for name, plate in by_name.items()}
    frame = table.assign(
        date=[by_name[name].facts.date for name in table["plate"]],
        lot=[by_name[name].lot for name in table["plate"]],
        role=[roles[name] for name in table["plate"]],
        rules="",
    )
    keys = list(zip(table["series"], table["level"], table["analyte"], strict=True))
    found = [None if guide is None else guide.limits.get(key) for key in keys]
    if guide is not None:
        _check_common(guide, table, found)
    mean = np.array([np.nan if limits is None else limits.mean for limits in found])
    sd = np.array([np.nan if limits is None else limits.sd for limits in found])
    count = [0 if limits is None else limits.n for limits in found]
    z = (np.log(frame["value"].to_numpy(float)) - mean) / sd
    frame = frame.assign(
        mean=np.exp(mean),
        sd=sd,
        z=z,
        guide_n=count,
        provisional=[guide is not None and n < ENOUGH for n in count],
    )
    return frame[TABLES["qc_series"].names]


def judge(
    frame: pd.DataFrame, plates: Sequence[ChartPlate], guide: Guide
) -> tuple[pd.DataFrame, list[QcFinding]]:
    """Apply the rules to the plates that are judged."""
    segment = {plate.name: plate.segment for plate in plates}
    judged = frame[frame["role"] == str(QcRole.JUDGED)]
    broken: dict[int, list[str]] = {}
    findings: list[QcFinding] = []
    for _, rows in judged.groupby(["series", "level", "analyte"], sort=False):
        known = rows[rows["z"].notna()]
        for _, stretch in known.groupby(known["plate"].map(segment), sort=False):
            for found, index in _along(stretch):
                broken.setdefault(index, []).append(found.rule)
                findings.append(found)
    controls = judged[(judged["series"] == CONTROL) & judged["z"].notna()]
    for rows in _wide_apart(controls):
        findings.append(_apart(rows))
        for index in rows.index.tolist():
            broken.setdefault(index, []).append("R-4s")
    rules = [" ".join(broken.get(int(index), [])) for index in frame.index]
    findings += [*_without_value(judged, guide), *_without_limits(judged)]
    return frame.assign(rules=pd.Series(rules, index=frame.index, dtype="str")), findings


def code_of(rule: str) -> str:
    """The flag of a rule."""
    return "qc_" + rule.casefold().replace("-", "_")


def severity_of(code: str, series: str) -> Severity:
    """How much a broken rule matters: for what is no control one step less."""
    severity = FLAGS[code].severity
    return severity if series == CONTROL else _MILDER.get(severity, severity)


def _role(plate: ChartPlate, guide: Guide | None) -> str:
    if guide is None:
        return str(QcRole.SHOWN)
    return str(QcRole.GUIDE if guide.holds(plate) else QcRole.JUDGED)


def _check_common(guide: Guide, table: pd.DataFrame, found: Sequence[object]) -> None:
    """The guide must be of these analytes, in these units."""
    if not any(limits is not None for limits in found):
        what = "the guide and the plates have no control, blank or curve in common"
        mend = "give the guide of this panel"
        raise InputError(Problem("CK-568", what, place(guide.path or "the guide"), mend))
    problems = []
    rows = table[["series", "level", "analyte", "unit"]].drop_duplicates()
    told = set()
    for row in rows.to_dict("records"):
        limits = guide.limits.get((row["series"], row["level"], row["analyte"]))
        if limits is None or not (limits.unit and row["unit"]) or limits.unit == row["unit"]:
            continue
        if row["analyte"] not in told:
            told.add(row["analyte"])
            what = f"the guide is in {limits.unit}, the plates are in {row['unit']}"
            mend = "fit the plates again in the guide's unit: cytokit fit --unit"
            problems.append(Problem("CK-564", what, place(analyte=row["analyte"]), mend))
    if problems:
        raise InputError(*problems)


def _along(stretch: pd.DataFrame) -> Iterator[tuple[QcFinding, int]]:
    """Rules along the plates of one lot, with the row at which each is broken."""
    z = stretch["z"].to_numpy(float)
    rows = stretch.to_dict("records")
    for rule, function, length in ALONG:
        for at in np.flatnonzero(function(z)):
            row, values = rows[at], tuple(float(value) for value in z[at - length + 1 : at + 1])
            code = code_of(rule)
            message = f"{_what(row)}: {MEANINGS[rule]} (z {_texts(values)}){_label(row)}"
            yield (
                QcFinding(
                    code, message, row["plate"], row["series"], row["level"], row["analyte"],
                    rule, values, severity_of(code, row["series"]),
                ),
                stretch.index.tolist()[at],
            )  # fmt: skip


def _wide_apart(controls: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """The controls of an analyte on a plate, where they break R-4s."""
    # few do: only plates with a control beyond 2 SD are looked at
    beyond = controls[np.abs(controls["z"]) > 2.0]
    for _, rows in beyond.groupby(["plate", "analyte"], sort=False):
        if rule_r_4s(rows["z"]):
            yield rows


def _apart(rows: pd.DataFrame) -> QcFinding:
    """R-4s of one plate and analyte, from its controls beyond 2 SD."""
    first = rows.iloc[0]
    named = ", ".join(f"{row['level']} {row['z']:+.1f}" for row in rows.to_dict("records"))
    levels = rows["level"]
    z = tuple(float(value) for value in rows["z"])
    message = f"{first['analyte']} controls: {MEANINGS['R-4s']} (z {named}){_label(first)}"
    return QcFinding(
        "qc_r_4s", message, str(first["plate"]), CONTROL, " ".join(levels), str(first["analyte"]),
        "R-4s", z, FLAGS["qc_r_4s"].severity,
    )  # fmt: skip


def _without_value(judged: pd.DataFrame, guide: Guide) -> Iterator[QcFinding]:
    """Values of judged plates that the guide would judge and that are not there."""
    lacking = judged[judged["value"].isna() & judged["sd"].notna()]
    for row in lacking.to_dict("records"):
        severity = Severity.FAIL if row["series"] == CONTROL else Severity.INFO
        yield QcFinding(
            "qc_no_value", f"{_what(row)}: {row['reason']}", row["plate"], row["series"],
            row["level"], row["analyte"], severity=severity,
        )  # fmt: skip
    # a curve has one of two forms: that it has not the other is no loss
    known = {
        key for key, limits in guide.limits.items() if not limits.reason and key[0] not in ORIENTED
    }
    for plate, rows in judged.groupby("plate", sort=False):
        present = set(zip(rows["series"], rows["level"], rows["analyte"], strict=True))
        absent = [key for key in guide.limits if key in known and key not in present]
        if absent:
            message = f"{len(absent)} series of the guide are not on this plate: {_some(absent)}"
            severity = Severity.WARN if any(key[0] == CONTROL for key in absent) else Severity.INFO
            yield QcFinding("qc_no_value", message, str(plate), severity=severity)


def _without_limits(judged: pd.DataFrame) -> Iterator[QcFinding]:
    """Series that cannot be judged, each once."""
    bare = judged[judged["sd"].isna() & judged["value"].notna()]
    once = bare.drop_duplicates(["series", "level", "analyte"])
    for row in once.to_dict("records"):
        why = {0: "the guide has no value of it", 1: "the guide has one value of it: no SD"}.get(
            row["guide_n"], "the guide's values do not differ: there is no SD to divide by"
        )
        yield QcFinding(
            "qc_no_limits", f"{_what(row)}: {why}", "", row["series"], row["level"],
            row["analyte"], severity=severity_of("qc_no_limits", row["series"]),
        )  # fmt: skip


def _what(row: object) -> str:
    """``IL-6, control Control1``."""
    return series_name(row["analyte"], row["series"], row["level"])  # type: ignore[index]


def _texts(values: Sequence[float]) -> str:
    return ", ".join(f"{value:+.1f}" for value in values)


def _label(row: object) -> str:
    """What must be said of limits that rest on few plates."""
    if not row["provisional"]:  # type: ignore[index]
        return ""
    return f"; provisional limits, {row['guide_n']} guide plates"  # type: ignore[index]


def _some(keys: Sequence[SeriesKey]) -> str:
    named = [series_name(analyte, series, level) for series, level, analyte in keys[:4]]
    return "; ".join(named) + (f" and {len(keys) - 4} more" if len(keys) > 4 else "")
