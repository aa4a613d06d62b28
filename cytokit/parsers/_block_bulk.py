"""The numbers of all blocks by well in one go, since an export is nearly all numbers.

Blocks that print flags (``NaN``, ``< 3.2``) or words are left to be read cell by cell. What is read
here is the same to the last bit, which a test on random files proves.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cytokit.sources.text import LazyRows

#: Fewer cells than this are not worth the trouble.
_LEAST_CELLS = 1_500
#: Blocks whose cells are wanted as they stand.
_AS_TEXT = frozenset({"Dilution Factor", "Comments", "Range"})
#: Bytes that stand in cells which are plain numbers, and between them.
_PLAIN = b'0123456789.-"'


@dataclass(frozen=True, slots=True)
class Span:
    """Where a block's rows lie, before they are split."""

    name: str
    line: int
    columns: list[str]
    body: range


@dataclass(frozen=True, slots=True)
class BulkNumbers:
    """A block by well in which every cell beside the labels is a plain number.

    Parameters
    ----------
    locations, samples : list of str
    values : numpy.ndarray
        Rows x columns after ``Sample``.
    """

    locations: list[str]
    samples: list[str]
    values: np.ndarray


def read_at_once(rows: LazyRows, spans: Sequence[Span]) -> Mapping[int, BulkNumbers]:
    """The blocks that are plain numbers throughout, by their number in ``spans``.

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
    for number, span in enumerate(spans):
        if span.columns[:2] == ["Location", "Sample"] and span.name not in _AS_TEXT:
            lines = _plain_lines(rows, span)
            if lines is not None:
                by_width.setdefault(len(span.columns) - 2, {})[number] = lines
    found: dict[int, BulkNumbers] = {}
    for width, group in by_width.items():
        if sum(len(lines.numbers) for lines in group.values()) * width >= _LEAST_CELLS:
            found.update(_read_group(group, rows.delimiter, width))
    return found


@dataclass(frozen=True, slots=True)
class _Lines:
    """A block's lines, labels apart from the numbers."""

    locations: list[str]
    samples: list[str]
    numbers: list[bytes]


def _plain_lines(rows: LazyRows, span: Span) -> _Lines | None:
    """The block's lines, if every cell after the labels is digits, points and signs."""
    delimiter = rows.delimiter
    separator = delimiter.encode()
    commas = len(span.columns) - 3
    keep = _PLAIN + separator
    lines = _Lines([], [], [])
    for index in span.body:
        line = rows.lines[index]
        second = _next_cell(line, 0, delimiter)
        third = _next_cell(line, second, delimiter)
        if third < 0 or '""' in line:
            return None
        numbers = line[third:].rstrip(delimiter).encode()
        if numbers.count(separator) != commas or numbers.translate(None, keep):
            return None
        lines.locations.append(line[: second - 1].strip('" '))
        lines.samples.append(line[second : third - 1].strip().strip('"').strip())
        lines.numbers.append(numbers.replace(b'"', b""))
    return lines if lines.numbers else None


def _next_cell(line: str, at: int, delimiter: str) -> int:
    """Where the cell after the one at ``at`` begins; -1 where there is none."""
    if at < 0:
        return -1
    if line[at : at + 1] == '"':
        at = line.find('"', at + 1) + 1
        return at + 1 if at and line[at : at + 1] == delimiter else -1
    return line.find(delimiter, at) + 1 or -1


def _read_group(group: Mapping[int, _Lines], delimiter: str, width: int) -> dict[int, BulkNumbers]:
    """The blocks of one width through pandas' reader; none where anything is not as expected."""
    text = b"\n".join(line for lines in group.values() for line in lines.numbers)
    try:
        frame = pd.read_csv(
            io.BytesIO(text),
            sep=delimiter,
            header=None,
            dtype=float,
            na_filter=False,
            skip_blank_lines=False,
            low_memory=False,
        )
    except ValueError:  # pandas' ParserError among them: a cell is no number after all
        return {}
    values = frame.to_numpy()
    total = sum(len(lines.numbers) for lines in group.values())
    if values.shape != (total, width) or not np.isfinite(values).all():
        return {}
    found, start = {}, 0
    for number, lines in group.items():
        part = values[start : start + len(lines.numbers)]
        found[number] = BulkNumbers(lines.locations, lines.samples, part)
        start += len(part)
    return found
