"""The numbers of all blocks by well in one go, since an export is nearly all numbers.

Cells that are no plain number (``NaN``, ``< 3.2``, nothing) are set aside as text, and a block that
holds more of those than numbers is left to be read cell by cell. What is read here is the same to
the last bit, which a test on random files proves.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import overload

import numpy as np
import pandas as pd

from cytokit.parsers._block_header import block_key
from cytokit.sources.rows import LazyRows

#: Fewer cells than this are not worth the trouble.
_LEAST_CELLS = 1_500
#: Blocks whose cells are wanted as they stand.
_AS_TEXT = frozenset(map(block_key, ("Dilution Factor", "Comments", "Range")))
#: Bytes that stand in cells which are plain numbers, and between them.
_PLAIN_BYTES = b'0123456789.-"\n'
_PLAIN = re.compile(r"-?(?:\d+(?:\.\d*)?|\.\d+)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Span:
    """Where a block's rows lie, before they are split."""

    name: str
    line: int
    columns: list[str]
    body: range


@dataclass(frozen=True, slots=True)
class BulkNumbers:
    """A block by well in which nearly every cell beside the labels is a plain number.

    Parameters
    ----------
    locations, samples : list of str
    values : numpy.ndarray
        Rows x columns after ``Sample``; NaN where a cell is no plain number.
    others : mapping of (int, int) to str
        The text of those cells, by row and column after ``Sample``.
    """

    locations: list[str]
    samples: list[str]
    values: np.ndarray
    others: Mapping[tuple[int, int], str]


class RowsLater(Sequence[list[str]]):
    """The rows of one block, split only when somebody asks for their texts after all.

    Parameters
    ----------
    rows : sequence of list of str
        Of the whole file.
    body : range
        Those of the block.
    width : int
        How many cells each has.
    """

    def __init__(self, rows: Sequence[list[str]], body: range, width: int) -> None:
        self._rows, self._body, self._width = rows, body, width

    def __len__(self) -> int:
        return len(self._body)

    @overload
    def __getitem__(self, index: int) -> list[str]: ...

    @overload
    def __getitem__(self, index: slice) -> list[list[str]]: ...

    def __getitem__(self, index: int | slice) -> list[str] | list[list[str]]:
        if isinstance(index, slice):
            return [self._rows[at][: self._width] for at in self._body[index]]
        return self._rows[self._body[index]][: self._width]


@dataclass(frozen=True, slots=True)
class _Labels:
    """How the lines of a block begin; the blocks of a plate mostly begin alike."""

    heads: list[str]
    locations: list[str]
    samples: list[str]

    def fit(self, body: Sequence[str]) -> bool:
        """Whether the lines of another block begin so too."""
        return len(body) == len(self.heads) and all(map(str.startswith, body, self.heads))

    def rest_of(self, body: Sequence[str], delimiter: str, width: int) -> list[str]:
        """What follows the labels, without the empty cells that a spreadsheet adds at the end."""
        rest = [line[len(head) :] for line, head in zip(body, self.heads, strict=True)]
        for row, text in enumerate(rest):
            if text.endswith(delimiter):
                beyond = max(text.count(delimiter) - width + 1, 0)
                rest[row] = text.removesuffix(delimiter * beyond)
        return rest


@dataclass(slots=True)
class _Lines:
    """A block's lines: labels, and the rest as it stands, at last as one table."""

    labels: _Labels
    numbers: list[str]
    others: dict[tuple[int, int], str] = field(default_factory=dict)
    table: bytes = b""


def read_at_once(rows: LazyRows, spans: Sequence[Span]) -> Mapping[int, BulkNumbers]:
    """The blocks that are mostly plain numbers, by their number in ``spans``.

    Parameters
    ----------
    rows : LazyRows
    spans : sequence of Span

    Returns
    -------
    mapping of int to BulkNumbers
        Empty where the file does not lend itself to it: nothing is decided here, all else is read
        cell by cell.
    """
    by_width: dict[int, dict[int, _Lines]] = {}
    labels = None
    for number, span in enumerate(spans):
        if span.columns[:2] != ["Location", "Sample"] or block_key(span.name) in _AS_TEXT:
            continue
        body = rows.lines[span.body.start : span.body.stop]
        if labels is None or not labels.fit(body):
            labels = _read_labels(body, rows.delimiter)
        if labels is not None:
            width = len(span.columns) - 2
            lines = _Lines(labels, labels.rest_of(body, rows.delimiter, width))
            if _set_others_aside(lines, rows, span):
                by_width.setdefault(width, {})[number] = lines
    found: dict[int, BulkNumbers] = {}
    for width, group in by_width.items():
        if sum(len(lines.numbers) for lines in group.values()) * width >= _LEAST_CELLS:
            found.update(_read_group(group, rows.delimiter, width))
    return found


def _read_labels(body: Sequence[str], delimiter: str) -> _Labels | None:
    """Location and sample of each line; None where marks stand that need the csv module."""
    labels = _Labels([], [], [])
    for line in body:
        second = _next_cell(line, 0, delimiter)
        third = _next_cell(line, second, delimiter)
        if third < 0 or '""' in line[:third]:
            return None
        labels.heads.append(line[:third])
        labels.locations.append(_bare(line[: second - 1]))
        labels.samples.append(_bare(line[second : third - 1]))
    return labels if labels.heads else None


def _bare(cell: str) -> str:
    return cell.strip().strip('"').strip()


def _next_cell(line: str, at: int, delimiter: str) -> int:
    """Where the cell after the one at ``at`` begins; -1 where there is none."""
    if at < 0:
        return -1
    if line[at : at + 1] == '"':
        at = line.find('"', at + 1) + 1
        return at + 1 if at and line[at : at + 1] == delimiter else -1
    return line.find(delimiter, at) + 1 or -1


def _set_others_aside(lines: _Lines, rows: LazyRows, span: Span) -> bool:
    """Put 0 for every cell that is no plain number and keep its text; whether most are numbers."""
    width = len(span.columns) - 2
    table = _plain_table("\n".join(lines.numbers), rows.delimiter, len(lines.numbers), width)
    if table is not None:
        lines.table = table
        return True
    for row, numbers in enumerate(lines.numbers):
        if _plain_table(numbers, rows.delimiter, 1, width) is not None:
            continue
        cells = rows[span.body[row]][2:]
        if len(cells) < width or any(cells[width:]):
            return False
        del cells[width:]
        for column, match in enumerate(map(_PLAIN.fullmatch, cells)):
            if match is None:
                lines.others[row, column] = cells[column]
                cells[column] = "0"
        lines.numbers[row] = rows.delimiter.join(cells)
        if 2 * len(lines.others) >= len(lines.numbers) * width:
            return False
    lines.table = "\n".join(lines.numbers).encode()
    return True


def _plain_table(text: str, delimiter: str, height: int, width: int) -> bytes | None:
    """The text, if nothing but digits, points, signs and marks stands between its delimiters."""
    data, separator = text.encode(), delimiter.encode()
    if data.translate(None, _PLAIN_BYTES + separator):
        return None
    delimiters = len(data) - len(data.translate(None, separator))
    return data if delimiters == height * (width - 1) else None


def _read_group(group: Mapping[int, _Lines], delimiter: str, width: int) -> dict[int, BulkNumbers]:
    """The blocks of one width through pandas' reader; none where anything is not as expected."""
    try:
        frame = pd.read_csv(
            io.BytesIO(b"\n".join([lines.table for lines in group.values()])),
            sep=delimiter,
            header=None,
            dtype=float,
            keep_default_na=False,
            na_values=[""],
            skip_blank_lines=False,
            low_memory=False,
        )
    except ValueError:  # pandas' ParserError among them: a cell is no number after all
        return {}
    values = frame.to_numpy()
    total = sum(len(lines.numbers) for lines in group.values())
    if values.shape != (total, width) or np.isinf(values).any():
        return {}
    gaps = np.isnan(values).any()
    found, start = {}, 0
    for number, lines in group.items():
        part = values[start : start + len(lines.numbers)]
        start += len(part)
        for row, column in np.argwhere(np.isnan(part)).tolist() if gaps else ():
            lines.others[row, column] = ""
        if 2 * len(lines.others) >= part.size:
            continue
        if lines.others:
            part[tuple(np.array(list(lines.others)).T)] = np.nan
        found[number] = BulkNumbers(
            lines.labels.locations, lines.labels.samples, part, lines.others
        )
    return found
