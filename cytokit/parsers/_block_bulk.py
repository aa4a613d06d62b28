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
    by_width: dict[int, list[int]] = {}
    for number, span in enumerate(spans):
        by_well = span.columns[:2] == ["Location", "Sample"] and span.name not in _AS_TEXT
        if by_well and _looks_plain(rows, span):
            by_width.setdefault(len(span.columns), []).append(number)
    found: dict[int, BulkNumbers] = {}
    for width, numbers in by_width.items():
        if sum(len(spans[number].body) for number in numbers) * width >= _LEAST_CELLS:
            found.update(_read_group(rows, [(n, spans[n].body) for n in numbers], width))
    return found


def _looks_plain(rows: LazyRows, span: Span) -> bool:
    """Whether every cell after the labels holds digits, points and signs, and something."""
    delimiter = rows.delimiter
    keep = _PLAIN + delimiter.encode()
    twice = delimiter * 2
    for index in span.body:
        line = rows.lines[index]
        start = _third_cell(line, delimiter)
        rest = line[start:].rstrip(delimiter)
        if start < 0 or '""' in rest or twice in rest or not rest.isascii():
            return False
        if rest.encode().translate(None, keep):
            return False
    return bool(span.body)


def _third_cell(line: str, delimiter: str) -> int:
    """Where the third cell begins; -1 where that is not plain to see."""
    at = 0
    for _ in range(2):
        if line[at : at + 1] == '"':
            at = line.find('"', at + 1) + 1
            if not at or line[at : at + 1] != delimiter:
                return -1
        else:
            at = line.find(delimiter, at)
            if at < 0:
                return -1
        at += 1
    return at


def _read_group(
    rows: LazyRows, bodies: Sequence[tuple[int, range]], width: int
) -> dict[int, BulkNumbers]:
    """The blocks of one width through pandas' reader; none where anything is not as expected."""
    text = "\n".join(rows.lines[index] for _, body in bodies for index in body)
    try:
        frame = pd.read_csv(
            io.StringIO(text),
            sep=rows.delimiter,
            header=None,
            dtype={0: "str", 1: "str"},
            na_filter=False,
            skip_blank_lines=False,
            low_memory=False,
        )
    except ValueError:  # pandas' ParserError among them: rows of different lengths
        return {}
    total = sum(len(body) for _, body in bodies)
    numbers = frame.iloc[:, 2:width]
    beyond = frame.iloc[:, width:]
    if len(frame) != total or any(kind.kind not in "if" for kind in numbers.dtypes):
        return {}
    values = numbers.to_numpy(dtype=float)
    if (
        values.shape[1] != width - 2
        or not np.isfinite(values).all()
        or (beyond != "").any(axis=None)
    ):
        return {}
    locations = [text.strip() for text in frame[0].tolist()]
    samples = [text.strip() for text in frame[1].tolist()]
    found, start = {}, 0
    for number, body in bodies:
        part = slice(start, start + len(body))
        found[number] = BulkNumbers(locations[part], samples[part], values[part])
        start += len(body)
    return found
