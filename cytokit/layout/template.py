"""A layout to fill in: what the export says, laid out for a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import pandas as pd

from cytokit.cell_text import guard
from cytokit.errors import OutputError, Problem, UsageError, place
from cytokit.layout.plan import likely_type
from cytokit.plate import Plate
from cytokit.vocabulary import WellType

#: A fixed date of creation makes two writings of one template identical.
_CREATED = datetime(2020, 1, 1)
_WITH_EXPECTED = (str(WellType.STANDARD), str(WellType.CONTROL))
_NOTES = (
    "Fill in what you know and delete what you do not need; empty cells leave the export's word.",
    "layout: one row per well. type is standard, blank, control or unknown.",
    "review: a type that was taken from the sample's name and not from the export; look at it.",
    "dilution is the factor that multiplies: 50 for 1 part in 50. Standards and blanks have none.",
    "expected: the concentration at the bead of each standard and control, by sample name.",
    "A well that was not read may stay in the list; it stays missing.",
    "Use it with: cytokit fit PLATE --layout THIS_FILE",
)


def unclear_types(plate: Plate) -> dict[str, WellType]:
    """The likely type of wells whose type the export does not say, by their names.

    Parameters
    ----------
    plate : Plate

    Returns
    -------
    dict of str to WellType
        By well: those of which a finding ``well_type_unclear`` speaks.
    """
    asked = {one.well for one in plate.findings if one.code == "well_type_unclear"}
    once = plate.of_type(WellType.UNKNOWN).drop_duplicates("well")
    likely = {
        str(well): likely_type(str(sample))
        for well, sample in zip(once["well"], once["sample"], strict=True)
        if well in asked
    }
    return {well: kind for well, kind in likely.items() if kind not in (None, WellType.UNKNOWN)}


def write_layout_template(
    plates: Plate | Sequence[Plate], path: str | Path, *, force: bool = False
) -> Path:
    """Write a layout for one plate or several, filled with what their export says.

    Where a name suggests a type that the export does not state, the type is filled in and the
    column ``review`` says so.

    Parameters
    ----------
    plates : Plate or sequence of Plate
        Several get a column ``plate``.
    path : str or Path
        ``.xlsx``: sheets ``layout``, ``expected`` and ``notes``. ``.csv``: one table, with a
        column ``expected <analyte>`` where the export gives expected concentrations.
    force : bool
        Overwrite an existing file.

    Returns
    -------
    Path
        The file that :func:`read_layout` reads back.

    Raises
    ------
    UsageError
        CK-164, if the file's ending is neither .csv nor .xlsx.
    OutputError
        CK-213, if the file exists and ``force`` is not given, or cannot be written.
    """
    file = Path(path)
    listed = [plates] if isinstance(plates, Plate) else list(plates)
    kind = file.suffix.casefold()
    if kind not in (".csv", ".xlsx"):
        what = f"a layout cannot be written as {file.suffix or 'a file without an ending'}"
        raise UsageError(Problem("CK-164", what, place(file), "call it .csv or .xlsx"))
    if file.exists() and not force:
        raise OutputError(Problem("CK-213", "the file exists", place(file), "use --force"))
    layout = pd.concat([_layout_table(plate) for plate in listed], ignore_index=True)
    if len(listed) == 1:
        layout = layout.drop(columns="plate")
    if not layout["review"].any():
        layout = layout.drop(columns="review")
    try:
        if kind == ".csv":
            _write_csv(file, layout, listed)
        else:
            _write_workbook(file, layout, listed)
    except OSError as error:
        what = f"the template cannot be written: {error}"
        raise OutputError(Problem("CK-213", what, place(file), "choose another folder")) from None
    return file


def _write_csv(file: Path, layout: pd.DataFrame, plates: Sequence[Plate]) -> None:
    """One table; cells that a spreadsheet would calculate are guarded."""
    expected = pd.concat(
        [
            plate.wells.drop_duplicates(["well", "analyte"])
            .loc[lambda wells: wells["well_type"].isin(_WITH_EXPECTED)]
            .assign(plate=plate.name)
            for plate in plates
        ]
    )
    expected = expected[expected["expected"].notna()]
    keys = ["plate", "well"] if "plate" in layout else ["well"]
    for analyte in dict.fromkeys(name for plate in plates for name in plate.analyte_names):
        own = expected[expected["analyte"] == analyte].set_index(keys)["expected"]
        if len(own):
            index = pd.MultiIndex.from_frame(layout[keys]) if len(keys) > 1 else layout["well"]
            layout[f"expected {analyte}"] = own.reindex(index).to_numpy()
    out = io.StringIO()
    write = csv.writer(out, lineterminator="\n").writerow
    write([guard(str(title)) for title in layout.columns])
    for row in layout.itertuples(index=False):
        write([_csv_cell(value) for value in row])
    file.write_text(out.getvalue(), encoding="utf-8")


def _csv_cell(value: object) -> str:
    if isinstance(value, str):
        return guard(value)
    return f"{value:.15g}" if isinstance(value, float) and value == value else ""


def _write_workbook(file: Path, layout: pd.DataFrame, plates: Sequence[Plate]) -> None:
    import xlsxwriter
    from xlsxwriter.exceptions import FileCreateError

    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    book = xlsxwriter.Workbook(str(file), options)
    book.set_properties({"created": _CREATED})
    bold = book.add_format({"bold": True, "bottom": 1})
    _write_table(book, "layout", layout, bold, types_column=list(layout.columns).index("type"))
    expected = pd.concat([_expected_table(plate) for plate in plates], ignore_index=True)
    _write_table(book, "expected", expected.drop_duplicates("sample"), bold)
    notes = book.add_worksheet("notes")
    notes.set_column(0, 0, 100)
    for row, text in enumerate(_NOTES):
        notes.write_string(row, 0, text)
    try:
        book.close()
    except FileCreateError as error:
        raise OSError(str(error)) from None


def _layout_table(plate: Plate) -> pd.DataFrame:
    """One row per well, in the order of the export."""
    columns = ["well", "sample", "well_type", "dilution_factor"]
    table = plate.wells.drop_duplicates("well")[columns]
    table = table.rename(columns={"well_type": "type", "dilution_factor": "dilution"})
    likely = {well: str(kind) for well, kind in unclear_types(plate).items()}
    wells, types = table["well"].tolist(), table["type"].tolist()
    table = table.assign(
        type=[likely.get(well, kind) for well, kind in zip(wells, types, strict=True)],
        review=[
            f"called like a {likely[well]}: right?" if well in likely else "" for well in wells
        ],
    )
    fixed = table["type"].isin([str(WellType.STANDARD), str(WellType.BLANK)])
    table = table.assign(dilution=table["dilution"].mask(fixed))
    table.insert(0, "plate", plate.name)
    return table


def _expected_table(plate: Plate) -> pd.DataFrame:
    """One row per standard and control, one column per analyte."""
    chosen = plate.wells[plate.wells["well_type"].isin(_WITH_EXPECTED)]
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
