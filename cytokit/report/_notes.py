"""The lines of the Notes sheet, from the data dictionary and the catalogue of flags."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cytokit.flags import FLAGS
from cytokit.report.words import TABLE_MEANINGS, TABLES, Word, explain


@dataclass(frozen=True, slots=True)
class Note:
    """One line: a heading, or a term and what it means.

    Parameters
    ----------
    heading : str
        Alone on its line.
    where, term, text : str
        Sheet, column or term, meaning.
    colour : str
        The status whose colour the term has.
    """

    heading: str = ""
    where: str = ""
    term: str = ""
    text: str = ""
    colour: str = ""


def term_notes(heading: str, words: Mapping[str, Word]) -> list[Note]:
    """Terms with their colours, as they stand in the sheets: the legend.

    Parameters
    ----------
    heading : str
    words : mapping of str to Word

    Returns
    -------
    list of Note
    """
    lines = [
        Note(where=word.title, term=key, text=word.meaning, colour=key)
        for key, word in words.items()
    ]
    return [Note(heading), *lines, Note()]


def column_notes(sheet: str, table: str, unit: str) -> list[Note]:
    """What the rows and the columns of one sheet mean.

    Parameters
    ----------
    sheet, table : str
    unit : str
        The unit of all concentrations, empty where it differs.

    Returns
    -------
    list of Note
    """
    lines = [
        Note(where=sheet, term=column, text=explain(table, column, unit))
        for column in TABLES[table]
    ]
    return [Note(f"{sheet}: {TABLE_MEANINGS[table]}"), *lines, Note()]


def flag_notes(codes: Iterable[str]) -> list[Note]:
    """What the flags mean and what to do about them.

    Parameters
    ----------
    codes : iterable of str

    Returns
    -------
    list of Note
    """
    used = set(codes)
    lines = [
        Note(
            where=str(text.severity),
            term=code,
            text=f"{text.title}. {text.meaning} What to do: {text.action}",
        )
        for code, text in FLAGS.items()
        if code in used
    ]
    return [Note("Flags that stand in this workbook"), *lines, Note()] if lines else []
