"""What one entry of the data dictionary holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "number", "integer", "boolean", "any"]


@dataclass(frozen=True, slots=True)
class Word:
    """One column or one term, explained.

    Parameters
    ----------
    meaning : str
        One sentence, without markup.
    kind : {"text", "number", "integer", "boolean", "any"}
        What the column's cells hold; ``any`` where it depends on the study.
    unit : str
        Empty where there is none; ``plate`` for the unit that the plate states.
    title : str
        A name for readers, where the term itself is not one.
    """

    meaning: str
    kind: Kind = "text"
    unit: str = ""
    title: str = ""


def number(meaning: str, unit: str = "") -> Word:
    """A column of numbers.

    Parameters
    ----------
    meaning, unit : str

    Returns
    -------
    Word
    """
    return Word(meaning, "number", unit)


def integer(meaning: str) -> Word:
    """A column of counts.

    Parameters
    ----------
    meaning : str

    Returns
    -------
    Word
    """
    return Word(meaning, "integer")
