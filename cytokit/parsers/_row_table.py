"""INTELLIFLEX rows: one line per well under one line of names, closed by a signature."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from cytokit.errors import Problem, place
from cytokit.findings import Finding
from cytokit.parsers._blocks import other_sheets, table_rows
from cytokit.parsers._source import RawFile
from cytokit.plate import Unread, normal_well

_REPORTER = re.compile(r":\s*RP(\d)\s+(?=\S)", re.IGNORECASE)
_SIGNATURE = "--DOCUMENT SIGNATURE--"


class Reading(NamedTuple):
    """What a column of one region and reporter is called: ``R25: RP1 MEDIAN``."""

    bead: str
    reporter: str
    what: str


def reading_of(title: str) -> Reading | None:
    """Region, reporter and statistic of a column's name; None for a column of another kind.

    Examples
    --------
    >>> reading_of("R25: RP1 MEDIAN")
    Reading(bead='R25', reporter='1', what='MEDIAN')
    >>> reading_of("SAMPLE ID")
    """
    found = _REPORTER.search(title)
    bead = title[: found.start()].rstrip() if found else ""
    return Reading(bead, found[1], title[found.end() :]) if found and bead else None


@dataclass
class RowTable:
    """The file's table, and what is wrong with it."""

    file: str
    head: list[str]
    rows: list[list[str]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    seen: set[tuple[str, ...]] = field(default_factory=set)

    def column(self, name: str) -> list[str]:
        """The cells of a named column; empty texts where there is none."""
        at = self._at.get(name)
        return [""] * len(self.rows) if at is None else [row[at] for row in self.rows]

    @cached_property
    def _at(self) -> dict[str, int]:
        """Where each column stands, the first of a name."""
        return {name: at for at, name in reversed(list(enumerate(self.head)))}


def read_row_table(raw: RawFile) -> RowTable:
    """Head, rows and the signature below; rows of another length are problems."""
    rows, line_of = table_rows(raw)
    first = next(index for index, row in enumerate(rows) if any(row))
    width = max(index for index, cell in enumerate(rows[first]) if cell) + 1
    head = [cell.upper() if reading_of(cell) is None else cell for cell in rows[first][:width]]
    table = RowTable(raw.path, head, unread=other_sheets(raw))
    table.problems += _twice_named(head, place(raw.path, line=line_of(first)))
    signed = False
    for index in range(first + 1, len(rows)):
        row, line = rows[index], line_of(index)
        if not any(row):
            continue
        if row[0] == _SIGNATURE:
            signed = True
            reason = "the instrument's signature is not checked"
            table.unread.append(Unread("DOCUMENT SIGNATURE", place(raw.path, line=line), reason))
        elif not signed:
            _add_row(table, row, line)
    if not signed:
        message = f"the file ends without {_SIGNATURE!r}"
        table.findings.append(Finding("no_footer", message))
    return table


def _twice_named(head: Sequence[str], where: str) -> Iterator[Problem]:
    """CK-163: two columns of one name, of which only one could be read."""
    plain = ["".join(title.split()).upper() for title in head]
    for title in dict.fromkeys(plain):
        columns = [index + 1 for index, other in enumerate(plain) if other == title]
        if title and len(columns) > 1:
            numbers = ", ".join(map(str, columns))
            what = f"two columns are called {head[columns[0] - 1]!r} (columns {numbers})"
            mend = "delete the column that does not belong here, or export the plate again"
            yield Problem("CK-163", what, where, mend)


def _add_row(table: RowTable, row: list[str], line: int) -> None:
    width = len(table.head)
    beyond = next((i for i in range(width, len(row)) if row[i]), None)
    if len(row) < width or beyond is not None:
        column = len(row) + 1 if beyond is None else beyond + 1
        found = "the row ends" if beyond is None else f"{row[beyond]!r} stands beyond"
        what = f"expected {width} cells as in the first line; {found}"
        where = place(table.file, line=line, column=column)
        mend = "the file may be cut off, or a delimiter lost or added; export the plate again"
        table.problems.append(Problem("CK-130", what, where, mend))
        return
    at = table.head.index("WELL LOCATION")
    if normal_well(row[at]) is None:
        where = place(table.file, line=line, column=at + 1)
        what = f"expected a well such as 'A1', found {row[at]!r}"
        table.problems.append(Problem("CK-132", what, where, "wells are A1 to P24"))
        return
    if tuple(row) in table.seen:
        where = place(table.file, line=line)
        what = f"the line of well {row[at]} stands twice"
        table.problems.append(Problem("CK-133", what, where, "export the plate again"))
        return
    table.seen.add(tuple(row))
    table.rows.append(row[:width])
    table.lines.append(line)
