"""A layout to fill in: what the export says, laid out for a spreadsheet."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pandas as pd

from cytokit.errors import OutputError, Problem, place
from cytokit.plate import Plate
from cytokit.vocabulary import WellType

#: A fixed date of creation makes two writings of one template identical.
_CREATED = datetime(2020, 1, 1)
_NOTES = (
    "Fill in what you know and delete what you do not need; empty cells leave the export's word.",
    "layout: one row per well. type is standard, blank, control or unknown.",
    "dilution is the factor that multiplies: 50 for 1 part in 50. Standards and blanks have none.",
    "expected: the concentration at the bead of each standard and control, by sample name.",
    "A well that was not read may stay in the list; it stays missing.",
    "Use it with: cytokit fit PLATE --layout THIS_FILE",
)


def write_layout_template(plate: Plate, path: str | Path, *, force: bool = False) -> Path:
    """Write a layout workbook for a plate, filled with what its export says.

    Parameters
    ----------
    plate : Plate
    path : str or Path
        Of the .xlsx file; sheets ``layout``, ``expected`` and ``notes``.
    force : bool
        Overwrite an existing file.

    Returns
    -------
    Path
        The file that :func:`read_layout` reads back.

    Raises
    ------
    OutputError
        CK-213, if the file exists and ``force`` is not given, or cannot be written.
    """
    import xlsxwriter
    from xlsxwriter.exceptions import FileCreateError

    file = Path(path)
    if file.exists() and not force:
        raise OutputError(Problem("CK-213", "the file exists", place(file), "use --force"))
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    book = xlsxwriter.Workbook(str(file), options)
    book.set_properties({"created": _CREATED})
    bold = book.add_format({"bold": True, "bottom": 1})
    _write_table(book, "layout", _layout_table(plate), bold, types_column=2)
    _write_table(book, "expected", _expected_table(plate), bold)
    notes = book.add_worksheet("notes")
    notes.set_column(0, 0, 100)
    for row, text in enumerate(_NOTES):
        notes.write_string(row, 0, text)
    try:
        book.close()
    except (FileCreateError, OSError) as error:
        what = f"the template cannot be written: {error}"
        raise OutputError(Problem("CK-213", what, place(file), "choose another folder")) from None
    return file


def _layout_table(plate: Plate) -> pd.DataFrame:
    """One row per well, in the order of the export."""
    columns = ["well", "sample", "well_type", "dilution_factor"]
    table = plate.wells.drop_duplicates("well")[columns]
    table = table.rename(columns={"well_type": "type", "dilution_factor": "dilution"})
    fixed = table["type"].isin([str(WellType.STANDARD), str(WellType.BLANK)])
    return table.assign(dilution=table["dilution"].mask(fixed))


def _expected_table(plate: Plate) -> pd.DataFrame:
    """One row per standard and control, one column per analyte."""
    kinds = [str(WellType.STANDARD), str(WellType.CONTROL)]
    chosen = plate.wells[plate.wells["well_type"].isin(kinds)]
    first = chosen.drop_duplicates(["sample", "analyte"])
    table = first.pivot(index="sample", columns="analyte", values="expected")
    order = list(dict.fromkeys(chosen["sample"]))
    return table.reindex(index=order, columns=plate.analyte_names).reset_index()


def _write_table(
    book: object, name: str, table: pd.DataFrame, bold: object, types_column: int | None = None
) -> None:
    """A sheet with a head that stays in sight; empty cells stay empty."""
    sheet = book.add_worksheet(name)  # type: ignore[attr-defined]
    sheet.freeze_panes(1, 1)
    sheet.set_column(0, max(len(table.columns) - 1, 0), 16)
    for column, title in enumerate(table.columns):
        sheet.write_string(0, column, str(title), bold)
        for row, value in enumerate(table[title].tolist(), start=1):
            if isinstance(value, str):
                sheet.write_string(row, column, value)
            elif not pd.isna(value):
                sheet.write_number(row, column, value)
    if types_column is not None and len(table):
        rule = {"validate": "list", "source": [str(kind) for kind in WellType]}
        sheet.data_validation(1, types_column, len(table), types_column, rule)
