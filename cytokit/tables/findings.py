"""What a plain table shows beside its numbers: columns, hidden floors, unknown limits.

Used by :mod:`cytokit.tables`.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import pandas as pd

from cytokit.findings import Finding
from cytokit.tables.cells import Reading
from cytokit.tables.columns import ID_ROLES, Columns, analyte_key, unit_key
from cytokit.tables.rows import Grid

_SAID = {
    "limit_unknown": "out of range without a limit",
    "limit_contradicted": "marked as censored on the wrong side of the limit beside them",
    "extrapolated": "called extrapolated by the source",
}


def column_findings(columns: Columns, grid: Grid) -> Iterator[Finding]:
    """What each column was taken for, what is not used, and rows that end early."""
    path = grid.path
    said = [f"{role} = {name!r}" for role, name in columns.roles.items()]
    said += [f"{of} {role} = {name!r}" for (of, role), name in columns.attributes.items()]
    if columns.wide:
        said.append(f"analytes = {', '.join(map(repr, columns.analytes))}")
    yield Finding("columns_recognised", f"{path}: {'; '.join(said)}")
    for name, reason in columns.unread.items():
        yield Finding("unread_block", f"{path}: column {name!r} is not used: {reason}")
    for part in grid.skipped:
        yield Finding("unread_block", f"{path}: {part} is not used")
    if grid.short:
        lines = ", ".join(map(str, grid.short[:6])) + (" and more" if len(grid.short) > 6 else "")
        message = f"{path}: fewer cells than the header in line {lines}; the rest counts as empty"
        yield Finding("header_mismatch", message)


def reading_findings(frame: pd.DataFrame, oddities: Sequence[str]) -> Iterator[Finding]:
    """Findings per analyte, in the order of the analytes."""
    odd = pd.Series(oddities, index=frame.index, dtype="str")
    for analyte, rows in frame.groupby("analyte", sort=False):
        name = str(analyte)
        for code, words in _SAID.items():
            count = int((odd[rows.index] == code).sum())
            if count:
                yield Finding(code, f"{count} of {len(rows)} readings are {words}", analyte=name)
        exact = rows.loc[rows["state"] == "exact", "value"]
        low = int((exact == 0).sum())
        if low:
            yield Finding("nonpositive_value", f"{low} readings are 0", analyte=name)
        units = sorted({unit_key(unit): unit for unit in rows["unit"]}.values())
        if len(units) > 1:
            shown = ", ".join(repr(unit) for unit in units)
            yield Finding("header_mismatch", f"more than one unit: {shown}", analyte=name)
        yield from _hidden_limits(exact.tolist(), name)
    yield from _spellings(list(dict.fromkeys(frame["analyte"])))
    yield from _repeats(frame)


def words_findings(
    records: Sequence[Mapping[str, Any]], readings: Sequence[Reading], path: str
) -> Iterator[Finding]:
    """What each word was taken for, and numbers that were put together from groups."""
    words: Counter[tuple[str, str]] = Counter()
    grouped: dict[str, float] = {}
    for record, reading in zip(records, readings, strict=True):
        if reading.word:
            words[record["source"], reading.state] += 1
        if reading.grouped:
            grouped.setdefault(record["source"], reading.given)
    for (word, state), count in words.items():
        taken = "missing" if state == "missing" else f"{state} range"
        text = f"{path}: {count} {'reading is' if count == 1 else 'readings are'} {word!r}"
        yield Finding("words_read", f"{text}: read as {taken}")
    if grouped:
        some = ", ".join(f"{text!r} as {value:.12g}" for text, value in [*grouped.items()][:4])
        cells = "1 cell holds" if len(grouped) == 1 else f"{len(grouped)} different cells hold"
        text = f"{path}: {cells} thousands marks: read {some}"
        yield Finding("thousands_read", text)


def _hidden_limits(values: list[float], analyte: str) -> Iterator[Finding]:
    for value, count, beyond in repeated_end(values):
        text = f"{count} of {len(values)} readings are {value:g}, the lowest value"
        text += f" ({beyond} lie below it)" if beyond else ""
        yield Finding("hidden_floor", f"{text}; no limit was declared", analyte=analyte)
    for value, count, beyond in repeated_end([-value for value in values]):
        text = f"{count} of {len(values)} readings are {-value:g}, the highest value"
        text += f" ({beyond} lie above it)" if beyond else ""
        yield Finding("hidden_ceiling", f"{text}; no limit was declared", analyte=analyte)


def repeated_end(values: Sequence[float]) -> Iterator[tuple[float, int, int]]:
    """Values repeated at the low end far more often than those above them, lowest first.

    Yields (value, times, how many lie lower). A value counts when at least 4 readings and 5 % of
    them have it, three times as many as any of the five next values above it that are not such
    values themselves (so that coarse rounding alone is no floor), and at most a third of the
    readings that have none of them lie lower: plates and dilutions may have floors of their own.

    Examples
    --------
    >>> list(repeated_end([0.11] * 68 + [0.1071] + [float(v) for v in range(1, 10)]))
    [(0.11, 68, 1)]
    >>> list(repeated_end([0.3] * 9 + [0.4, 0.5] + [0.6] * 8 + [float(v) for v in range(1, 20)]))
    [(0.3, 9, 0), (0.6, 8, 11)]
    >>> list(repeated_end([1.0, 2.0, 2.0, 3.0, 4.0]))
    []
    """
    counts = Counter(values)
    distinct = sorted(counts)
    needed = max(4, math.ceil(0.05 * len(values)))
    step = min((after - before for before, after in pairwise(distinct)), default=0.0)
    repeated: set[float] = set()
    above: list[float] = []  # what is on no heap, the nearest last
    for value in reversed(distinct):
        expected = [counts[one] * _coarseness(value, one, distinct, step) for one in above[-5:]]
        if counts[value] >= needed and expected and counts[value] >= 3 * max(expected):
            repeated.add(value)
        else:
            above.append(value)
    others, lower = sum(counts[value] for value in above), 0
    for value in distinct:
        if value not in repeated:
            lower += counts[value]
        elif 3 * lower <= others:
            yield value, counts[value], sum(counts[one] for one in distinct if one < value)


def _coarseness(value: float, above: float, distinct: Sequence[float], step: float) -> float:
    """How much wider rounding makes the cell of a value than that of one above, in logarithms.

    1 unless all steps from the one to the other are the smallest there is: then the numbers
    are rounded that coarsely, and 1 holds far more of what was measured than 5 does.
    """
    first, last = bisect_left(distinct, value), bisect_left(distinct, above)
    if value <= step / 2 or not math.isclose(above - value, (last - first) * step, rel_tol=1e-6):
        return 1.0
    half = step / 2
    width = math.log((value + half) / (value - half))
    return max(1.0, width / math.log((above + half) / (above - half)))


def _spellings(analytes: list[str]) -> Iterator[Finding]:
    by_name: dict[str, list[str]] = {}
    for analyte in analytes:
        by_name.setdefault(analyte_key(analyte), []).append(analyte)
    for names in by_name.values():
        if len(names) > 1:
            shown = " and ".join(repr(name) for name in names)
            message = f"{shown} are kept apart; are they the same analyte?"
            yield Finding("analytes_alike", message, analyte=names[0])


def _repeats(frame: pd.DataFrame) -> Iterator[Finding]:
    keys = [
        role for role in ID_ROLES if role in frame.columns and role not in ("stratum", "status")
    ]
    twice = frame[frame.duplicated([*keys, "analyte"], keep=False)]
    for key, rows in twice.groupby(keys, sort=False, dropna=False):
        if not any((isinstance(part, str) and part) or part == part for part in key):
            continue
        who = ", ".join(f"{role} {part}" for role, part in zip(keys, key, strict=True))
        most = int(rows["analyte"].value_counts().max())
        sample = str(key[keys.index("sample")]) if "sample" in keys else ""
        yield Finding("repeated_sample", f"{who} stands {most} times", sample=sample)
