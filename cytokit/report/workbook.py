"""results.xlsx: the tables of a fit or a comparison, formatted for reading.

Nothing in a cell is ever a formula or a link, whatever it is called. A value out of range is shown
as its bound with its sign (``<3.2``) and stands as a number in a column of its own. The same
result gives the same bytes.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from cytokit.errors import OutputError, Problem, place
from cytokit.report._notes import Note, column_notes, flag_notes, term_notes
from cytokit.report._sheets import Book
from cytokit.report._shown import shown
from cytokit.report._wide import reported, wide_samples
from cytokit.report.words import PLATE_VERDICTS, SEVERITIES, STATUSES, VERDICTS

if TYPE_CHECKING:
    from cytokit.platefit import PlateFit
    from cytokit.stats import Comparison

WIDE = (
    "One row per sample, one column per analyte, dilution applied; above each analyte the limits"
    " that decide, at the bead (over several plates from the lowest to the highest). What lies"
    " below the limit of detection is written as that bound with its sign (<3.2), also where a"
    " number could be computed: the tidy samples hold it. A bound stands too where there is no"
    " number; a slanted number lies outside the quantifiable range."
)
_REPORTED = (
    "The result as it is passed on: the concentration, or the bound with its sign, or why there"
    " is none. The numbers stand in concentration, limit_low and limit_high."
)

_LEFT_OUT = "Too long for a sheet that opens quickly; it stands beside this workbook as CSV."
#: rows of the longest table that gets a sheet
LONGEST = 100_000


def fit_workbook(fit: PlateFit) -> bytes:
    """results.xlsx of a fit.

    Sheets: Samples (one row per sample, one column per analyte), Samples tidy, Curves, Standards,
    Flags, Wells, Exclusions, and Notes, which explains all of them. A table of more than
    ``LONGEST`` rows has no sheet; Notes says so and names the CSV.

    Parameters
    ----------
    fit : PlateFit

    Returns
    -------
    bytes
        The same for the same fit.
    """
    take = shown(fit)
    tables = {
        "Samples tidy": ("samples", _with_reported(take.samples)),
        "Curves": ("curves", take.table),
        "Standards": ("standards", take.standards),
        "Flags": ("flags", take.flags),
        "Wells": ("wells", take.wells),
        "Exclusions": ("exclusions", take.exclusions),
    }
    too_long = [sheet for sheet, (_, frame) in tables.items() if len(frame) > LONGEST]
    for sheet in too_long:
        del tables[sheet]
    book = Book()
    book.add_wide("Samples", wide_samples(take.samples, take.table, fit.options.limits))
    for sheet, (_, frame) in tables.items():
        book.add_table(sheet, frame)
    unit = one_unit(take.samples)
    notes = [Note("Verdict of each plate")]
    notes += [
        Note(where=row["plate"], term=row["verdict"], text=row["sentence"], colour=row["verdict"])
        for row in fit.verdicts.to_dict("records")
    ]
    notes += [Note(), Note("Samples"), Note(where="Samples", text=WIDE)]
    notes += [Note(where=sheet, text=_LEFT_OUT) for sheet in too_long]
    notes += [Note(where="Samples tidy", term="reported", text=_REPORTED), Note()]
    notes += term_notes("Colours of status", STATUSES)
    notes += term_notes("Colours of a plate's verdict", PLATE_VERDICTS)
    notes += term_notes("Colours of a curve's verdict", VERDICTS)
    notes += term_notes("Colours of severity", SEVERITIES)
    notes += flag_notes(take.flags["code"].astype("str"))
    for sheet, (table, _) in tables.items():
        notes += column_notes(sheet, table, unit)
    book.add_notes(notes)
    return book.finish()


def comparison_workbook(comparison: Comparison) -> bytes:
    """The tables of a comparison as a workbook.

    Sheets: Comparison, Summary, Detectability, Flags (the findings on the data), Notes. Every
    number, star and label is the table's own.

    Parameters
    ----------
    comparison : Comparison

    Returns
    -------
    bytes
        The same for the same comparison.
    """
    book = Book()
    book.add_table("Comparison", comparison.table)
    book.add_table("Summary", comparison.summary)
    book.add_table("Detectability", comparison.detectability)
    book.add_table("Flags", comparison.flags)
    unit = one_unit(comparison.table)
    notes = [Note("What to know first"), *(Note(text=sentence) for sentence in comparison.guard)]
    notes += [Note(), Note("Methods")]
    notes += [Note(text=line) for line in comparison.methods.splitlines() if line.strip()]
    notes += [Note(), Note("Families of tests")]
    notes += [
        Note(term=name, text=", ".join(analytes)) for name, analytes in comparison.families.items()
    ]
    notes += [Note(), *flag_notes(comparison.flags["code"])]
    notes += column_notes("Comparison", "comparisons", unit)
    notes += column_notes("Summary", "summary", unit)
    notes += column_notes("Detectability", "detectability", unit)
    notes += column_notes("Flags", "flags", unit)
    book.add_notes(notes)
    return book.finish()


def write_workbook(fit: PlateFit, path: str | Path) -> None:
    """Write :func:`fit_workbook` to a file.

    Parameters
    ----------
    fit : PlateFit
    path : str or Path

    Raises
    ------
    OutputError
        CK-555 if the file cannot be written.
    """
    _write(fit_workbook(fit), path)


def write_comparison_workbook(comparison: Comparison, path: str | Path) -> None:
    """Write :func:`comparison_workbook` to a file.

    Parameters
    ----------
    comparison : Comparison
    path : str or Path

    Raises
    ------
    OutputError
        CK-555 if the file cannot be written.
    """
    _write(comparison_workbook(comparison), path)


def write_frame(frame: pd.DataFrame, path: str | Path) -> None:
    """Write one tidy table as a workbook of one sheet.

    Parameters
    ----------
    frame : pandas.DataFrame
    path : str or Path

    Raises
    ------
    OutputError
        CK-555 if the file cannot be written, CK-556 if the table has more rows than a sheet.
    """
    book = Book()
    book.add_table("Table", frame)
    _write(book.finish(), path)


def write_book(book: Book, path: str | Path) -> None:
    """Write a finished book to a file.

    Parameters
    ----------
    book : Book
    path : str or Path

    Raises
    ------
    OutputError
        CK-555 if the file cannot be written.
    """
    _write(book.finish(), path)


def _write(content: bytes, path: str | Path) -> None:
    try:
        Path(path).write_bytes(content)
    except OSError as error:
        what = f"the workbook cannot be written: {error.strerror or error}"
        mend = "close it where it is open, and check that you may write in the folder"
        raise OutputError(Problem("CK-555", what, place(path), mend)) from error


def _with_reported(samples: pd.DataFrame) -> pd.DataFrame:
    """The tidy samples with the result as text before the concentration."""
    columns = ("concentration", "status", "limit_low", "limit_high")
    texts = [
        reported(number, str(status), low, high)
        for number, status, low, high in zip(*(samples[name] for name in columns), strict=True)
    ]
    at = list(samples.columns).index("concentration")
    before, after = samples.iloc[:, :at], samples.iloc[:, at:]
    reporting = pd.DataFrame({"reported": pd.Series(texts, index=samples.index, dtype="str")})
    return pd.concat([before, reporting, after], axis=1)


def one_unit(frame: pd.DataFrame) -> str:
    """The unit of a table where it has only one."""
    units = [str(unit) for unit in frame["unit"].dropna().unique()]
    return units[0] if len(units) == 1 else ""
