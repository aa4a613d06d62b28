"""results.xlsx of many plates: the sheets that people open, and where the rest lies."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from cytokit.curves.options import LimitsName
from cytokit.report._notes import Note, column_notes, flag_notes, term_notes
from cytokit.report._sheets import Book
from cytokit.report._wide import wide_samples
from cytokit.report.tables import read_table
from cytokit.report.words import PLATE_VERDICTS, SEVERITIES, STATUSES, VERDICTS
from cytokit.report.workbook import LONGEST, WIDE, one_unit, write_book

_AS_CSV = "Of many plates it stands beside this workbook as CSV alone."
#: sheets that grow with the plates, by the table they are read from
_SHEETS = {"Curves": "curves", "Flags": "flags"}


def write_many_workbook(
    folder: Path,
    lines: pd.DataFrame,
    exclusions: pd.DataFrame,
    counts: Mapping[str, int],
    limits: LimitsName = "precision",
) -> None:
    """Write results.xlsx of many plates from the tables beside it.

    Sheets: Plates, Samples (one row per sample, one column per analyte), Curves, Flags,
    Exclusions and Notes, which says what is left to the CSV files: wells, standards and tidy
    samples always, and any table of more than ``LONGEST`` rows. So a workbook of any number of
    plates opens, and making it takes bounded memory.

    Parameters
    ----------
    folder : pathlib.Path
        Holds the tables.
    lines : pandas.DataFrame
        Columns ``PLATES_COLUMNS``.
    exclusions : pandas.DataFrame
    counts : mapping of str to int
        Rows of each table.
    limits : {"precision", "recovery"}
        Which limits of quantification decide.

    Raises
    ------
    OutputError
        CK-555 if the file cannot be written.
    """
    short = {name: count <= LONGEST for name, count in counts.items()}
    book = Book(lean=True)
    notes: list[Note] = []
    book.add_table("Plates", lines if len(lines) <= LONGEST else lines.iloc[:LONGEST])
    if len(lines) > LONGEST:
        notes.append(Note(where="Plates", text=f"The first {LONGEST}; all are in plates.csv."))
    unit = ""
    if short["samples"]:
        samples = read_table(folder / "samples.csv")
        unit = one_unit(samples)
        curves = read_table(folder / "curves.csv")
        book.add_wide("Samples", wide_samples(samples, curves, limits))
        notes.append(Note(where="Samples", text=WIDE))
    else:
        notes.append(Note(where="Samples", text=_too_long()))
    codes: set[str] = set()
    for sheet, name in _SHEETS.items():
        if not short[name]:
            notes.append(Note(where=sheet, text=_too_long()))
            continue
        table = read_table(folder / f"{name}.csv")
        codes |= set(table["code"]) if name == "flags" else set()
        book.add_table(sheet, table)
    book.add_table("Exclusions", exclusions)
    notes += [Note(where=sheet, text=_AS_CSV) for sheet in ("Samples tidy", "Standards", "Wells")]
    book.add_notes(_all_notes(notes, [name for name in _SHEETS.values() if short[name]],
                              codes, unit))  # fmt: skip
    write_book(book, folder / "results.xlsx")


def _too_long() -> str:
    return f"More than {LONGEST} rows: it stands beside this workbook as CSV alone."


def _all_notes(notes: list[Note], tables: list[str], codes: set[str], unit: str) -> list[Note]:
    """The sheet that explains the others."""
    found = [Note("What stands where"), *notes, Note()]
    found += term_notes("Colours of status", STATUSES)
    found += term_notes("Colours of a plate's verdict", PLATE_VERDICTS)
    found += term_notes("Colours of a curve's verdict", VERDICTS)
    found += term_notes("Colours of severity", SEVERITIES)
    found += flag_notes(sorted(codes))
    for table in ("plates", *tables, "exclusions"):
        found += column_notes(table.capitalize(), table, unit)
    return found
