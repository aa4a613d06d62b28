"""What one entry of the data dictionary holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "number", "integer", "boolean", "any"]


@dataclass(frozen=True, slots=True)
class Word:
    """One column or one term, explained."""

    meaning: str
    kind: Kind = "text"
    unit: str = ""
    title: str = ""


def number(meaning: str, unit: str = "") -> Word:
    """A column of numbers."""
    return Word(meaning, "number", unit)


def integer(meaning: str) -> Word:
    """A column of counts."""
    return Word(meaning, "integer")
