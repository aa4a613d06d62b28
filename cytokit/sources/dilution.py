"""Dilution factors as people and instruments write them, for exports and layouts alike.

A factor multiplies and is at least 1: ``50``, ``1:50``, ``1/50``, ``1 in 50``, ``50x``, ``x50``,
``50-fold`` and ``1+49`` are one factor. What can be read in two ways is no factor: ``0.5`` (one
part in two, or concentrated twofold?), ``1:1`` (undiluted, or one part and one part?), ``1 to 2``,
``1,000``.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from cytokit.sources.numbers import NAN, read_cell
from cytokit.vocabulary import VendorStatus

#: Longer cells hold a remark, not a factor.
_LONGEST = 60
_NEAT = frozenset(("neat", "undiluted", "undil", "undil."))
_NUMBER = r"(\d[\d.,]{0,20})"
_ABOUT = re.compile(r"(?:dil(?:ution|uted)?\.?(?: factor)?)\s?[:=]?\s?", re.IGNORECASE)
_PART_OF = re.compile(rf"1(?:\.0{{1,3}})?\s?(/|:|in)\s?{_NUMBER}", re.IGNORECASE)
_FOLD = re.compile(rf"{_NUMBER}\s?(?:[x×]|-?\s?fold|-?\s?times)|[x×]\s?{_NUMBER}", re.IGNORECASE)
_PARTS = re.compile(rf"1\s?\+\s?{_NUMBER}")
_ONE_MARK = re.compile(r"\d+([.,])(\d+)", re.ASCII)


@dataclass(frozen=True, slots=True)
class DilutionFactor:
    """What a cell says of a dilution.

    Parameters
    ----------
    value : float
        The factor that multiplies, at least 1; NaN where the cell gives none.
    reason : str
        Why it gives none; empty where it does.
    """

    value: float
    reason: str = ""

    @property
    def known(self) -> bool:
        """Whether the cell gives a factor."""
        return math.isfinite(self.value)


def read_dilution(cell: object, decimal: str = ".") -> DilutionFactor:
    """Read a dilution factor.

    Parameters
    ----------
    cell : object
        Text, or what a workbook stores (``1:2`` typed into Excel is a time of day, and no factor).
    decimal : str
        The decimal mark of the file.

    Returns
    -------
    DilutionFactor

    Examples
    --------
    >>> [read_dilution(text).value for text in ("1:50", "1/50", "50x", "50-fold", "1+49", "neat")]
    [50.0, 50.0, 50.0, 50.0, 50.0, 1.0]
    >>> read_dilution("0.5").reason
    "'0.5' is below 1: one part in 2, or concentrated 2-fold"
    >>> read_dilution("half").known
    False
    """
    if cell is None or isinstance(cell, str):
        text = " ".join((cell or "")[: 2 * _LONGEST].split())
        return _read_text(text, decimal) if len(text) <= _LONGEST else _checked(NAN, text)
    number = read_cell(cell, decimal)
    return _checked(number.value, str(cell))


def fraction_of(text: str, decimal: str = ".") -> float | None:
    """The n of a sample named ``1/n`` or ``1:n``, as serology plates name their standards.

    Examples
    --------
    >>> fraction_of("1/100"), fraction_of("P1")
    (100.0, None)
    """
    match = _PART_OF.fullmatch(" ".join(text.split())) if len(text) <= _LONGEST else None
    value = _number(match[2], decimal) if match else NAN
    return value if math.isfinite(value) else None


def _read_text(text: str, decimal: str) -> DilutionFactor:
    if not text:
        return DilutionFactor(NAN, "no factor is given")
    bare = text
    if (about := _ABOUT.match(bare)) is not None:
        bare = bare[about.end() :]
    for word in (" dilution", " diluted", " dil.", " dil"):
        bare = bare[: -len(word)] if bare.casefold().endswith(word) else bare
    if bare.casefold() in _NEAT:
        return DilutionFactor(1.0)
    if (match := _PART_OF.fullmatch(bare)) is not None:
        value = _number(match[2], decimal)
        if value == 1 and match[1] == ":":
            return DilutionFactor(NAN, f"{text!r} is undiluted, or one part and one part")
        return _checked(value, text)
    if (match := _FOLD.fullmatch(bare)) is not None:
        return _checked(_number(match[1] or match[2], decimal), text)
    if (match := _PARTS.fullmatch(bare)) is not None:
        return _checked(1.0 + _number(match[1], decimal), text)
    return _checked(_number(bare, decimal), text)


def _checked(value: float, text: str) -> DilutionFactor:
    """A factor of at least 1, else the reason why it is none."""
    if not math.isfinite(value):
        shown = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
        return DilutionFactor(NAN, f"{shown!r} is no dilution factor")
    if value >= 1:
        return DilutionFactor(value)
    if value <= 0:
        return DilutionFactor(NAN, f"{text!r} is no dilution factor")
    part = f"{1 / value:.4g}"
    return DilutionFactor(
        NAN, f"{text!r} is below 1: one part in {part}, or concentrated {part}-fold"
    )


def _number(text: str, decimal: str) -> float:
    """A plain number; one mark that cannot separate thousands is a decimal mark in any file."""
    cell = read_cell(text, decimal)
    mark = _ONE_MARK.fullmatch(text)
    if mark and mark[1] not in ("", decimal) and len(mark[2]) == 3:
        return NAN  # a thousand, or one with three decimals
    if cell.status is not VendorStatus.IN_RANGE and mark and len(mark[2]) != 3:
        cell = read_cell(text, mark[1])
    return cell.value if cell.status is VendorStatus.IN_RANGE and not cell.unit else NAN
