"""F5: Bio-Plex Manager's raw data: one row per well, one column per analyte.

``Well, Type, [Description], <analyte (region)>..., Sampling Errors`` under the usual header lines.
Cells are intensities, or ``15710.5 (52)``: intensity and bead count. The export knows neither
expected concentrations nor dilutions: a layout gives them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from cytokit.errors import Problem
from cytokit.parsers.bioplex import (
    Contents,
    Grid,
    Record,
    assemble,
    begins_export,
    column_key,
    grids,
    heads,
    is_legend,
    read_wells,
    split_analyte,
    trimmed,
)
from cytokit.plate import Plate, Unread
from cytokit.sources.numbers import decide_decimal, read_fi_count
from cytokit.sources.raw import HEAD_ROWS, RawFile
from cytokit.sources.workbook import cell_text

NAME = "bioplex_raw"
TITLE = "Bio-Plex Manager, raw data"
_IDS = ("well", "type", "description", "samplingerrors")
#: columns about the well as a whole
_WHOLE_WELL = ("region", "gate", "total", "aggbeads", "dilution", "group")


def sniff(raw: RawFile) -> bool:
    """Whether Bio-Plex header lines stand above a table that begins with Well and Type."""
    return any(_head(grid) is not None for grid in heads(raw))


def read(raw: RawFile) -> list[Plate]:
    """Read the plate."""
    found: list[Plate] = []
    others: list[Unread] = []
    for grid in grids(raw):
        head = _head(grid)
        if head is not None:
            found.append(_read_grid(grid, head))
        elif any(any(grid.texts(row)) for row in range(len(grid.rows))):
            reason = "a sheet without a table of readings"
            others.append(Unread(f"sheet {grid.sheet!r}", grid.where(0), reason))
    return [replace(plate, unread=(*plate.unread, *others)) for plate in found]


def _head(grid: Grid) -> int | None:
    """The row of column names, if Bio-Plex header lines stand above it."""
    for row in range(min(HEAD_ROWS, len(grid.rows))):
        named = (
            [column_key(text) for text in grid.texts(row) if text] if grid.names_wells(row) else []
        )
        if named[:2] == ["well", "type"] and len(named) > 2:
            above = (grid.texts(index)[:1] for index in range(row))
            begun = any(begins_export(cell) for cells in above for cell in cells)
            one_analyte = {"fi", "obsconc"} & set(named)
            return row if begun and not one_analyte else None
    return None


def _read_grid(grid: Grid, head: int) -> Plate:
    contents = Contents()
    titles = trimmed(grid.texts(head))
    for title in _twins(titles):
        what = f"two columns are called {title!r}"
        mend = "export the plate again; each analyte needs a column of its own"
        contents.problems.append(Problem("CK-146", what, grid.where(head), mend))
    ids = {column_key(title): i for i, title in enumerate(titles) if column_key(title) in _IDS}
    whole, analytes = _sort_columns(titles)
    cells = [
        _intensity(grid.rows[row][column])
        for row in range(head + 1, len(grid.rows))
        for column in analytes
        if column < len(grid.rows[row])
    ]
    decimal = decide_decimal(cells, asked=grid.raw.asked_decimal, file=grid.raw.path)
    for row in range(len(grid.rows)):
        texts = grid.texts(row)
        if row == head or not any(texts):
            continue
        filled = _has(texts, ids["well"]) and _has(texts, ids["type"])
        if row < head or not filled or is_legend(texts[0]):
            for line in grid.lines(row):
                contents.take_line(grid, row, line)
            continue
        if (misfit := grid.misfit(row, titles)) is not None:
            contents.problems.append(misfit)
            continue
        wells = read_wells(texts[ids["well"]])
        if wells is None:
            what = f"{texts[ids['well']]!r} in column 'Well' names no well"
            mend = "a delimiter may be lost or added in this row; export the plate again"
            contents.problems.append(Problem("CK-145", what, grid.where(row), mend))
            continue
        shown = [i for key, i in ids.items() if key not in ("well", "type")]
        beside = {titles[i]: grid.rows[row][i] for i in (*shown, *whole) if i < len(texts)}
        for column, analyte in analytes.items():
            cell = grid.rows[row][column] if column < len(texts) else ""
            values = {**beside, **_reading(cell, decimal)}
            record = Record(analyte, texts[ids["type"]], wells, values, grid.where(row))
            contents.records.append(record)
    return assemble(grid.raw, NAME, contents)


def _sort_columns(titles: Sequence[str]) -> tuple[list[int], dict[int, str]]:
    """Columns about the whole well, and the analytes': with a bead region, or not known."""
    whole, analytes = [], {}
    for index, title in enumerate(titles):
        key = column_key(title)
        if not key or key in _IDS:
            continue
        if key in _WHOLE_WELL and not split_analyte(title)[1]:
            whole.append(index)
        else:
            analytes[index] = title
    return whole, analytes


def _twins(titles: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(title for title in titles if title and titles.count(title) > 1))


def _has(texts: Sequence[str], column: int) -> bool:
    return column < len(texts) and bool(texts[column])


def _intensity(cell: object) -> object:
    """The cell without its bead count, for the vote on the decimal sign."""
    text = cell_text(cell)
    return text.split("(")[0].strip() if isinstance(cell, str) else cell


def _reading(cell: object, decimal: str) -> dict[str, object]:
    """Intensity and, where printed, bead count."""
    if not isinstance(cell, str):
        return {"FI": cell}
    _, count = read_fi_count(cell, decimal)
    if count != count:
        return {"FI": cell}
    return {"FI": _intensity(cell), "Bead Count": count}
