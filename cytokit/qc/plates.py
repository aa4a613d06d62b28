"""The plates of a chart: each once, named apart, in the order in which they were run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from cytokit.errors import InputError, Problem, UsageError, did_you_mean, place
from cytokit.findings import Finding
from cytokit.qc.folders import FitTables
from cytokit.runs import DATE_ORDERS, RunFacts, read_date


@dataclass(frozen=True, slots=True)
class ChartPlate:
    """One plate of a chart.

    Parameters
    ----------
    name : str
        Unique in the chart.
    source : int
        Which of the fits it is from.
    facts : RunFacts
        Its name there, hash, date, instrument and lots.
    segment : int
        Counts the changes of lot up to this plate.
    """

    name: str
    source: int
    facts: RunFacts
    segment: int = 0

    @property
    def lot(self) -> str:
        """All lots in one text; empty where the export names none.

        Examples
        --------
        >>> ChartPlate("P1", 0, RunFacts("P1", lots={"Kit": "A7"})).lot
        'Kit A7'
        """
        return "; ".join(f"{what} {lot}" for what, lot in self.facts.lots.items())

    @property
    def identity(self) -> tuple[str, str]:
        """Hash and name: one export may hold several plates."""
        return self.facts.sha256, self.facts.name


def chart_plates(
    fits: Sequence[FitTables], date_order: str = ""
) -> tuple[tuple[ChartPlate, ...], tuple[Finding, ...]]:
    """All plates in the order of their runs.

    Parameters
    ----------
    fits : sequence of FitTables
    date_order : {"", "mdy", "dmy"}
        Whether month or day comes first in dates that leave it open. Where not given, it is taken
        from plates of the same instrument that leave no doubt, if these agree.

    Returns
    -------
    plates : tuple of ChartPlate
        By date; those without one last, in the order given, with a finding.
    findings : tuple of Finding

    Raises
    ------
    UsageError
        CK-569 for another date order.
    InputError
        CK-563 where a plate stands twice.
    """
    if date_order and date_order not in DATE_ORDERS:
        what = f"date_order={date_order!r} is no choice"
        mend = f"use one of {', '.join(DATE_ORDERS)}"
        near = did_you_mean(date_order, DATE_ORDERS)
        raise UsageError(Problem("CK-569", what, mend=mend, near=near))
    listed = [(index, facts) for index, fit in enumerate(fits) for facts in fit.facts]
    _refuse_twice(listed, fits)
    names = _distinct(listed, fits)
    shown = _orders([facts for _, facts in listed])
    plates, findings = [], []
    for name, (index, facts) in zip(names, listed, strict=True):
        dated, said = _dated(name, facts, date_order, shown)
        plates.append(ChartPlate(name, index, dated))
        findings += said
    # stable: plates of one minute, and those without a date, stay in the order given
    plates.sort(key=lambda plate: (plate.facts.date == "", plate.facts.date))
    return _segmented(plates), tuple(findings)


def _refuse_twice(listed: Sequence[tuple[int, RunFacts]], fits: Sequence[FitTables]) -> None:
    """The same export in two fits would count twice."""
    first: dict[tuple[str, str], int] = {}
    problems = []
    for index, facts in listed:
        key = (facts.sha256, facts.name)
        if not facts.sha256:
            continue
        if key in first:
            what = f"plate {facts.name!r} stands in two fits (the same file, SHA-256 "
            what += f"{facts.sha256[:12]})"
            where = f"{fits[first[key]].path} and {fits[index].path}"
            problems.append(Problem("CK-563", what, where, "give each plate once"))
        first.setdefault(key, index)
    if problems:
        raise InputError(*problems)


def _distinct(listed: Sequence[tuple[int, RunFacts]], fits: Sequence[FitTables]) -> list[str]:
    """Names told apart by their folder, where plates of several folders share one."""
    plain = [facts.name for _, facts in listed]
    names = [
        f"{Path(fits[index].path).name}/{name}" if plain.count(name) > 1 else name
        for (index, _), name in zip(listed, plain, strict=True)
    ]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        what = f"several plates are called {', '.join(repeated)}, in folders of one name"
        mend = "rename a folder, or fit these plates together"
        raise InputError(Problem("CK-563", what, place("the fits"), mend))
    return names


def _orders(every: Sequence[RunFacts]) -> dict[str, str]:
    """Instrument -> the one order of day and month that its exports show."""
    seen: dict[str, set[str]] = {}
    for facts in every:
        if facts.date_order:
            seen.setdefault(facts.instrument, set()).add(facts.date_order)
    return {name: orders.pop() for name, orders in seen.items() if name and len(orders) == 1}


def _dated(
    name: str, facts: RunFacts, given: str, shown: dict[str, str]
) -> tuple[RunFacts, list[Finding]]:
    """A plate with its date, as far as it can be known."""
    if facts.date:
        return facts, []
    if not facts.date_text:
        message = "the export states no date: the plate stands after the dated ones, as given"
        return facts, [Finding("qc_no_date", message, plate=name)]
    order = given or shown.get(facts.instrument, "")
    found = read_date(facts.date_text, order)
    if found.date is not None:
        source = "as told" if given else f"as other plates of instrument {facts.instrument} show"
        message = f"{facts.date_text!r} was read as {found.date:%Y-%m-%d}, {source}"
        return (
            replace(facts, date=found.date.isoformat()),
            [Finding("qc_date_order", message, plate=name)],
        )
    why = "may be either of two days" if found.ambiguous else "is no date that cytokit knows"
    message = f"{facts.date_text!r} {why}: the plate stands after the dated ones, as given"
    return facts, [Finding("qc_no_date", message, plate=name)]


def _segmented(plates: Sequence[ChartPlate]) -> tuple[ChartPlate, ...]:
    """Plates numbered by stretches of one lot; an unnamed lot is a stretch of its own."""
    done: list[ChartPlate] = []
    for plate in plates:
        segment = 0
        if done:
            segment = done[-1].segment + (done[-1].facts.lots != plate.facts.lots)
        done.append(replace(plate, segment=segment))
    return tuple(done)
