"""F4: Bio-Plex Manager, one statistic per sheet (``FI``, ``Obs Conc``, ``Dilution``, ...).

Every sheet has header lines, a row of analytes and a row of column names under it. One such sheet
may have been saved alone as text. Analytes are the first sheet's; another sheet's are matched by
name without signs, then by position and bead region, and a finding names what is spelled otherwise.
The sheet ``Standard Curve`` names no analytes: its curves stand in their order, row by row, and
each is kept only if it gives back the printed concentrations of its analyte.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cytokit.errors import FormatError, Problem, did_you_mean
from cytokit.flags import Finding
from cytokit.parsers.bioplex import (
    Contents,
    CurveText,
    Grid,
    Record,
    assemble,
    column_key,
    grids,
    heads,
    is_curve_line,
    is_legend,
    matching_curves,
    read_wells,
    some,
    split_analyte,
    take_line,
    trimmed,
    twice_named,
)
from cytokit.parsers.blocks import shortened
from cytokit.plate import Plate, Unread
from cytokit.sources.raw import HEAD_ROWS, RawFile
from cytokit.sources.workbook import cell_text

NAME = "bioplex_statistic"
TITLE = "Bio-Plex Manager, one statistic per sheet"
_IDS = ("type", "well", "description", "group", "dilution")
_NO_STATISTIC = frozenset(("analyte", "type", "well", "description"))
#: what the sheets must agree on
_OF_THE_WELL = ("description", "dilution")


@dataclass(frozen=True, slots=True)
class _Table:
    """One statistic's sheet: where its rows begin, its id columns and its analytes' columns."""

    grid: Grid
    head: int
    title: str
    ids: dict[str, int]
    analytes: dict[int, str]


def sniff(raw: RawFile) -> bool:
    """Whether a row of analytes stands above Type, Well and one statistic over and over."""
    return any(_find_table(grid) is not None for grid in heads(raw))


def read(raw: RawFile) -> list[Plate]:
    """Read the plate."""
    contents = Contents()
    tables: list[_Table] = []
    curves: list[CurveText] = []
    for grid in grids(raw):
        table = _find_table(grid)
        if table is not None:
            tables.append(table)
        elif found := _curve_lines(grid):
            curves += found
        elif any(any(grid.texts(row)) for row in range(len(grid.rows))):
            reason = "a sheet without a statistic of the plate"
            contents.unread.append(Unread(f"sheet {grid.sheet!r}", grid.where(0), reason))
    contents.problems += _given_twice(tables)
    analytes = list(tables[0].analytes.values()) if tables else []
    merged: dict[tuple[str, str, int, str], dict[str, object]] = {}
    places: dict[tuple[str, str, int, str], str] = {}
    for table in tables:
        names = _matched(table, analytes, contents)
        _collect(table, names, merged, places, contents)
    for (label, wells, _, analyte), cells in merged.items():
        read = read_wells(wells)
        if read is not None:
            where = places[label, wells, _, analyte]
            contents.records.append(Record(analyte, label, read, cells, where))
    if contents.problems:
        raise FormatError(*shortened(contents.problems))
    _note_gaps(tables, merged, contents)
    _give_curves(curves, analytes, contents, raw)
    plate = assemble(raw, NAME, contents)
    return [matching_curves(plate)]


def _given_twice(tables: Sequence[_Table]) -> Iterator[Problem]:
    """CK-163: a statistic on two sheets, or a column that stands twice beside the analytes."""
    sheets: dict[str, _Table] = {}
    for table in tables:
        first = sheets.setdefault(column_key(table.title), table)
        if first is not table:
            what = f"sheets {first.grid.sheet!r} and {table.grid.sheet!r} both hold {table.title!r}"
            mend = "delete the sheet that does not belong here; give each plate a file of its own"
            yield Problem("CK-163", what, table.grid.where(table.head), mend)
        width = len(table.grid.texts(table.head))
        beside = [column for column in range(width) if column not in table.analytes]
        yield from twice_named(table.grid, table.head, beside)


def _find_table(grid: Grid) -> _Table | None:
    """The sheet's table, if the two rows of names stand in it."""
    for row in range(1, min(HEAD_ROWS, len(grid.rows))):
        if not grid.names_wells(row):
            continue
        titles = grid.texts(row)
        keys = [column_key(title) for title in titles]
        if "type" not in keys or "well" not in keys:
            continue
        above = grid.texts(row - 1)
        columns = {i: above[i] for i, key in enumerate(keys) if key and i < len(above) and above[i]}
        statistics = {keys[index] for index in columns}
        if len(statistics) != 1 or statistics & _NO_STATISTIC:
            continue
        ids = {key: index for index, key in enumerate(keys) if key and index not in columns}
        title = titles[next(iter(columns))]
        return _Table(grid, row, title, ids, columns)
    return None


def _matched(table: _Table, analytes: Sequence[str], contents: Contents) -> dict[int, str]:
    """Column -> analyte of the first sheet: by the same spelling, else the same but for signs."""
    keys = [column_key(name) for name in analytes]
    # IL-1α and IL-1β are one but for signs, IL-1 (12) and IL-11 (2) too
    by_name = {k: name for k, name in zip(keys, analytes, strict=True) if keys.count(k) == 1}
    names: dict[int, str] = {}
    for index, (column, printed) in enumerate(table.analytes.items()):
        found = printed if printed in analytes else by_name.get(column_key(printed))
        if found is None and index < len(analytes) and _alike(printed, analytes[index]):
            found = analytes[index]
        if found is None or found in names.values():
            near = did_you_mean(printed, list(analytes))
            where = table.grid.where(table.head - 1, analyte=printed)
            what = f"analyte {printed!r} is not one of the first sheet's"
            mend = "export the plate again; the sheets must show the same analytes"
            contents.problems.append(Problem("CK-144", what, where, mend, near))
            continue
        names[column] = found
        if found != printed:
            place_ = f"sheet {table.grid.sheet!r}" if table.grid.sheet else "the file"
            message = f"{printed!r} in {place_} was taken for {found!r}"
            contents.findings.append(Finding("name_matched", message, analyte=found))
    return names


def _alike(one: str, other: str) -> bool:
    """Whether two names at the same position may be one analyte: same bead region, or near."""
    regions = {split_analyte(one)[1], split_analyte(other)[1]}
    return (regions != {""} and len(regions) == 1) or bool(did_you_mean(one, [other]))


def _collect(
    table: _Table,
    names: dict[int, str],
    merged: dict[tuple[str, str, int, str], dict[str, object]],
    places: dict[tuple[str, str, int, str], str],
    contents: Contents,
) -> None:
    """The cells of one sheet, by type code, wells and analyte; the lines around them."""
    grid = table.grid
    titles = trimmed(grid.texts(table.head))
    seen: dict[tuple[str, str], int] = {}
    for row in range(len(grid.rows)):
        texts = grid.texts(row)
        label = texts[table.ids["type"]] if len(texts) > table.ids["type"] else ""
        wells = texts[table.ids["well"]] if len(texts) > table.ids["well"] else ""
        if row in (table.head - 1, table.head) or not any(texts):
            continue
        if row < table.head or not (label and wells) or is_legend(texts[0]):
            for line in grid.lines(row):
                contents.take_line(grid, row, line)
            continue
        if (misfit := grid.misfit(row, titles)) is not None:
            contents.problems.append(misfit)
            continue
        if read_wells(wells) is None:
            what = f"{wells!r} in column 'Well' names no well"
            mend = "a delimiter may be lost or added in this row; export the plate again"
            contents.problems.append(Problem("CK-143", what, grid.where(row), mend))
            continue
        turn = seen[label, wells] = seen.get((label, wells), -1) + 1
        cells = grid.rows[row]
        beside = {key: cells[i] for key, i in table.ids.items() if key not in ("type", "well")}
        for column, analyte in names.items():
            key = (label, wells, turn, analyte)
            places.setdefault(key, grid.where(row))
            known = merged.setdefault(key, {})
            known[table.title] = cells[column] if column < len(cells) else ""
            for title, cell in beside.items():
                _put_beside(known, title, cell, (label, wells, grid.where(row)), contents)


def _put_beside(
    known: dict[str, object],
    title: str,
    cell: object,
    row: tuple[str, str, str],
    contents: Contents,
) -> None:
    """What a sheet says of the well as a whole; CK-162 where another sheet says otherwise."""
    before, now = cell_text(known.get(title, "")), cell_text(cell)
    if not before:
        known[title] = cell
    elif now and title in _OF_THE_WELL and before.casefold() != now.casefold():
        label, wells, where = row
        what = (
            f"well {wells} ({label}): the {title} is {now!r} here and {before!r} in another sheet"
        )
        mend = f"correct the {title} that is wrong, in the export"
        problem = Problem("CK-162", what, where, mend)
        if problem not in contents.problems:
            contents.problems.append(problem)


def _note_gaps(
    tables: Sequence[_Table],
    merged: dict[tuple[str, str, int, str], dict[str, object]],
    contents: Contents,
) -> None:
    """Sheets that lack rows which other sheets have."""
    for table in tables:
        lacking = [key for key, cells in merged.items() if table.title not in cells]
        rows = list(dict.fromkeys(f"{label} ({wells})" for label, wells, _, _ in lacking))
        if rows:
            message = f"{len(rows)} rows of other sheets are not in sheet {table.grid.sheet!r}: "
            contents.findings.append(Finding("header_mismatch", message + some(rows)))


def _curve_lines(grid: Grid) -> list[CurveText]:
    """The curves of the sheet ``Standard Curve``, row by row of its groups of lines."""
    starts = []
    for row in range(len(grid.rows)):
        for column, text in enumerate(grid.texts(row)):
            if text.casefold().startswith("regression type"):
                starts.append((row, column))
    curves = []
    for row, column in starts:
        curve = CurveText()
        for below in range(row, len(grid.rows)):
            texts = grid.texts(below)
            text = texts[column] if column < len(texts) else ""
            if not is_curve_line(text) or (below > row and (below, column) in starts):
                break
            curve = take_line(curve, text)
        curves.append(curve)
    return curves


def _give_curves(
    curves: Sequence[CurveText], analytes: Sequence[str], contents: Contents, raw: RawFile
) -> None:
    """One curve per analyte in order, or none at all."""
    if len(curves) == len(analytes):
        contents.curves.update(zip(analytes, curves, strict=True))
    elif curves:
        reason = f"{len(curves)} curves without names for {len(analytes)} analytes"
        contents.unread.append(Unread("sheet 'Standard Curve'", raw.path, reason))
