"""Plates written as instruments write them: one file per export family, on :class:`Plate`.

Because a writer starts from a Plate, reading its file back must give the same Plate, as far as the
family carries it: that is the round trip by which each parser is tested. What a family has no place
for is left out and named in the writer's docstring; what it would say wrongly is refused.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from cytokit.errors import Problem, UsageError, place
from cytokit.parsers.bioplex import SAMPLING_ERRORS, split_analyte
from cytokit.parsers.block_plates import assign_roles, type_by_name
from cytokit.parsers.is23 import IS23_NAMES
from cytokit.plate import Plate, VendorCurve, well_position
from cytokit.schema import VendorStatus, WellType

# A plate as wells x analytes in the order of reading: what every writer starts from.


#: what every reading of one well shares
_OF_A_WELL = ["sample", "well_type", "dilution_factor"]


@dataclass(frozen=True)
class ReadOut:
    """One row per well, one column per analyte; readings the plate lacks are NaN or empty."""

    plate: Plate
    wells: list[str]
    samples: list[str]
    well_types: list[WellType]
    dilutions: list[float]
    cells: pd.DataFrame

    @property
    def analytes(self) -> list[str]:
        """In the export's order."""
        return self.plate.analyte_names

    @property
    def has_results(self) -> bool:
        """Whether the vendor's software said anything of any reading."""
        return bool((self.plate.wells["vendor_status"] != str(VendorStatus.NOT_GIVEN)).any())

    def numbers(self, column: str) -> np.ndarray:
        """A column of numbers as an array, wells x analytes."""
        shape = (len(self.wells), len(self.analytes))
        return self.cells[column].to_numpy(dtype="float64").reshape(shape)

    def texts(self, column: str) -> list[list[str]]:
        """A column of texts, wells x analytes."""
        flat = self.cells[column].astype("object").fillna("").tolist()
        width = len(self.analytes)
        return [flat[start : start + width] for start in range(0, len(flat), width)]

    def first_wells(self, kind: WellType) -> dict[str, int]:
        """The samples of one well type, each with the row of its first well."""
        rows: dict[str, int] = {}
        for row, (sample, well_type) in enumerate(zip(self.samples, self.well_types, strict=True)):
            if well_type is kind:
                rows.setdefault(sample, row)
        return rows

    def events(self) -> list[float]:
        """All beads counted in each well; NaN where none is known."""
        counts = self.numbers("bead_count")
        known = ~np.isnan(counts)
        sums = np.where(known, counts, 0.0).sum(axis=1)
        return [float(total) for total in np.where(known.any(axis=1), sums, np.nan)]


def read_out(plate: Plate) -> ReadOut:
    """Arrange a plate for writing."""
    names = plate.analyte_names
    wells = sorted(plate.wells["well"].unique(), key=lambda well: well_position(well)[::-1])
    problems = [*name_problems(names, plate.name), *_mixed_wells(plate)]
    if problems:
        raise UsageError(*problems)
    index = pd.MultiIndex.from_product([wells, names])
    once = plate.wells.drop_duplicates("well").set_index("well").loc[wells]
    return ReadOut(
        plate=plate,
        wells=wells,
        samples=[str(sample) for sample in once["sample"]],
        well_types=[WellType(kind) for kind in once["well_type"]],
        dilutions=[float(factor) for factor in once["dilution_factor"]],
        cells=plate.wells.set_index(["well", "analyte"]).reindex(index),
    )


def name_problems(names: Sequence[str], plate: str = "") -> list[Problem]:
    """CK-616: analytes without a name, or of one name."""
    return [
        Problem(
            "CK-616",
            f"{names.count(name)} analytes are called {name!r}"
            if name
            else "an analyte has no name",
            place(plate or None),
            "give every analyte a name of its own",
        )
        for name in dict.fromkeys(names)
        if names.count(name) > 1 or not name
    ]


def _mixed_wells(plate: Plate) -> list[Problem]:
    """Wells that a table with one row per well and one column per analyte cannot hold."""
    mend = "write the readings as plates of their own"
    repeated = plate.wells[plate.wells.duplicated(["well", "analyte"])]["well"].unique()
    problems = [
        Problem("CK-614", "a well is read twice", place(plate.name, well=well), mend)
        for well in repeated
    ]
    kinds = plate.wells.groupby("well", sort=False)[_OF_A_WELL].nunique(dropna=False)
    for well in kinds.index[(kinds > 1).any(axis=1)]:
        what = "the readings of one well differ in sample, well type or dilution"
        problems.append(Problem("CK-614", what, place(plate.name, well=str(well)), mend))
    return problems


def number(value: float) -> str:
    """A reading as instruments print it: shortest form, no trailing ``.0``, NaN for none."""
    if value != value:
        return "NaN"
    return str(int(value)) if value == int(value) else repr(float(value))


def require_types(readout: ReadOut, family: str, read_as: Iterable[WellType]) -> None:
    """Refuse names that the family reads as another well type than the plate's."""
    problems = []
    for sample, kind, taken in dict.fromkeys(
        zip(readout.samples, readout.well_types, read_as, strict=True)
    ):
        if kind is not taken:
            what = f"the {kind} {sample!r} would be read as {taken}: {family} goes by its name"
            where = place(readout.plate.name, sample=sample)
            problems.append(Problem("CK-615", what, where, "give the sample another name"))
    if problems:
        raise UsageError(*problems)


def require_statuses(readout: ReadOut, family: str, known: Iterable[VendorStatus]) -> None:
    """Refuse statuses of results that the family has no sign for."""
    signs = {str(status) for status in known}
    found = readout.plate.wells["vendor_status"]
    problems = [
        Problem(
            "CK-620",
            f"{family} has no sign for a result that is {status!r}",
            place(readout.plate.name),
            "write the plate in another format, or without the vendor's results",
        )
        for status in dict.fromkeys(found)
        if status not in signs
    ]
    if problems:
        raise UsageError(*problems)


def by_reagent(readout: ReadOut, kind: WellType, column: str) -> dict[str, list[float]]:
    """Expected values of the standards or controls: sample -> one number per analyte.

    Empty where the plate gives none.
    """
    values = readout.numbers(column)
    table = {name: values[row] for name, row in readout.first_wells(kind).items()}
    problems = []
    for row, (sample, well_type) in enumerate(
        zip(readout.samples, readout.well_types, strict=True)
    ):
        if well_type is kind and not np.array_equal(values[row], table[sample], equal_nan=True):
            what = f"{column} of the {kind} {sample!r} differs from well to well"
            where = place(readout.plate.name, well=readout.wells[row], sample=sample)
            mend = "give samples that differ names of their own"
            problems.append(Problem("CK-617", what, where, mend))
    if problems:
        raise UsageError(*problems)
    if all(np.isnan(numbers).all() for numbers in table.values()):
        return {}
    return {name: [float(v) for v in numbers] for name, numbers in table.items()}


# What Bio-Plex Manager's two workbooks share: type codes, result signs, curves, sheets.


Cell = str | float
Row = Sequence[Cell]

#: characters of a sheet's name
_SHEET_NAME = 31
#: a fixed date makes two writings of one plate identical
_CREATED = datetime(2021, 1, 15)
_SIGNS = {
    VendorStatus.OOR_LOW: "OOR <",
    VendorStatus.OOR_HIGH: "OOR >",
    VendorStatus.NOT_AVAILABLE: "***",
    VendorStatus.OUTLIER: "---",
    VendorStatus.NOT_GIVEN: "",
}
_NOT_IN_A_SHEET_NAME = re.compile(r"[\[\]:*?/\\]")
LEGEND = (
    "*** = Value not available;   --- = Designated as an outlier",
    "*Value = Value extrapolated beyond standard range",
    "OOR = Out of Range;   OOR> = Out of Range Above;   OOR< = Out of Range Below",
    "Exp Conc = Expected Concentration;   Obs Conc = Observed  Concentration",
)


@dataclass(frozen=True, slots=True)
class Group:
    """The wells of one type code: ``S1``, ``X12``."""

    code: str
    description: str
    dilution: float
    rows: list[int]


class Workbook:
    """An .xlsx in memory whose bytes depend on nothing but what is written."""

    def __init__(self) -> None:
        import xlsxwriter

        self._stream = io.BytesIO()
        options = {
            "in_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        }
        self._book: Any = xlsxwriter.Workbook(self._stream, options)
        self._book.set_properties({"created": _CREATED, "comments": "simulated by cytokit"})
        self._taken: set[str] = set()

    def add(self, name: str, rows: Sequence[Row]) -> None:
        """A sheet under the nearest name that Excel allows."""
        sheet = self._book.add_worksheet(self._allowed(name))
        for i, row in enumerate(rows):
            for j, cell in enumerate(row):
                if isinstance(cell, str):
                    if cell:
                        sheet.write_string(i, j, cell)
                elif cell == cell:
                    sheet.write_number(i, j, cell)

    def finish(self) -> bytes:
        """Close the workbook and give its bytes."""
        self._book.close()
        return self._stream.getvalue()

    def _allowed(self, name: str) -> str:
        clean = _NOT_IN_A_SHEET_NAME.sub("_", name).strip("'") or "sheet"
        turn, unique = 1, _cut(clean, _SHEET_NAME).rstrip("'")
        while unique.lower() in {*self._taken, "history"}:
            turn += 1
            tail = f" {turn}"
            unique = _cut(clean, _SHEET_NAME - len(tail)) + tail
        self._taken.add(unique.lower())
        return unique


def _cut(text: str, length: int) -> str:
    """At most so many characters as Excel counts them: some signs, such as emoji, are two."""
    return text.encode("utf-16-le")[: 2 * length].decode("utf-16-le", errors="ignore")


def header(plate: Plate, decimal: str = ".") -> list[Row]:
    """The lines above a table."""
    return [
        ("File Name: C:\\Simulated by cytokit, nothing was measured.rbx",),
        ("Acquisition Date: 15-Jan-2021, 10:00 AM",),
        ("Reader Serial Number: SIMULATED",),
        (f"Plate ID: {plate.name}",),
        (f"RP1 PMT (Volts): {'571.18'.replace('.', decimal)}",),
        ("RP1 Target: 3514",),
    ]


def printed_names(readout: ReadOut) -> list[str]:
    """Analytes with their bead regions: ``IL-6 (19)``."""
    printed = []
    problems = []
    regions = map(str, readout.plate.analytes["bead_id"])
    for name, region in zip(readout.analytes, regions, strict=True):
        whole = f"{name} ({region})" if region else name
        printed.append(whole)
        if split_analyte(whole) != (name, region):
            what = f"{whole!r} cannot be read as an analyte and a bead region of 1 to 3 digits"
            where = place(readout.plate.name, analyte=name)
            problems.append(Problem("CK-618", what, where, "give the analyte such a region"))
    if problems:
        raise UsageError(*problems)
    return printed


def groups(readout: ReadOut) -> list[Group]:
    """Type codes: B for blanks, S1 for the highest standard, C and X in the order of the plate."""
    expected = np.nan_to_num(readout.numbers("expected"), nan=0.0).max(axis=1)
    wells: dict[tuple[WellType, str, float], list[int]] = {}
    for row, (kind, sample, dilution) in enumerate(
        zip(readout.well_types, readout.samples, readout.dilutions, strict=True)
    ):
        key = (kind, "", 1.0) if kind is WellType.BLANK else (kind, sample, dilution)
        wells.setdefault(key, []).append(row)
    standards = [key for key in wells if key[0] is WellType.STANDARD]
    standards.sort(key=lambda key: -expected[wells[key][0]])
    found = [Group("B", "", 1.0, wells[key]) for key in wells if key[0] is WellType.BLANK]
    found += [Group(f"S{i}", "", 1.0, wells[key]) for i, key in enumerate(standards, start=1)]
    for letter, kind in (("C", WellType.CONTROL), ("X", WellType.UNKNOWN)):
        keys = [key for key in wells if key[0] is kind]
        found += [
            Group(f"{letter}{i}", key[1], key[2], wells[key]) for i, key in enumerate(keys, start=1)
        ]
    return found


def result(value: float, status: str) -> Cell:
    """A concentration as Bio-Plex prints it: a number, ``*1.55``, or a sign."""
    if status == VendorStatus.EXTRAPOLATED:
        return f"*{number(value)}"
    return value if status == VendorStatus.IN_RANGE else _SIGNS[VendorStatus(status)]


def recovery(value: float, kind: WellType, status: str) -> Cell:
    """``(Obs/Exp) * 100``: ``***`` where a standard or control has a result but no recovery."""
    if value == value:
        return value
    judged = kind in (WellType.STANDARD, WellType.CONTROL)
    return "***" if judged and status != VendorStatus.NOT_GIVEN else ""


def expected(value: float, kind: WellType, dilution: float) -> Cell:
    """The expected concentration of the undiluted sample; 0 where a control has none."""
    if kind is WellType.STANDARD:
        return 0.0 if value != value else value
    if kind is WellType.CONTROL:
        return 0.0 if value != value else value * dilution
    return ""


def curve_lines(curve: VendorCurve | None, decimal: str = ".") -> list[str]:
    """The lines about a standard curve, its coefficients in six significant digits."""

    def printed(value: float, form: str = ".6g") -> str:
        return format(value, form).replace(".", decimal)

    if curve is None:
        return ["Regression Type: Logistic - 5PL", "Std. Curve: Unable to calculate regression"]
    a, b, c, d, f = map(printed, (curve.a, curve.b, curve.c, curve.d, curve.f))
    sign, again = ("+", a[1:]) if a.startswith("-") else ("-", a)
    power = f"(1 + (Conc / {c})^{d})"
    below = power if curve.f == 1 else f"({power})^{f}"
    name = curve.regression.removesuffix(", external")
    title = "Std. Curve" if name == curve.regression else "Ext Std Curve"
    lines = [f"Regression Type: {name}", f"{title}: FI = {a} + ({b} {sign} {again}) / {below}"]
    known = curve.statistics
    if {"fit_prob", "res_var"} <= set(known):
        fit, variance = printed(known["fit_prob"], ".4f"), printed(known["res_var"], ".4f")
        lines.append(f"FitProb. = {fit}, ResVar. = {variance}")
    if {"range_low", "range_high"} <= set(known):
        low, high = printed(known["range_low"]), printed(known["range_high"])
        lines.append(f"Conc In Range = {low} to {high}")
    return lines


# Bio-Plex Manager .xlsx, one sheet per analyte: means of replicates, single wells, the curve.


_TITLES = (
    *("Analyte", "Type", "Well", "Outlier", "Description", "FI", "FI - Bkgd", "Std Dev", "%CV"),
    *("Obs Conc", "Exp Conc", "(Obs/Exp) * 100", "Group", "Ratio", "Dilution", "Bead Count"),
    "Sampling Errors",
)
#: the sheets of the other workbook, by their columns' title
_STATISTICS = (
    *("Outlier", "FI", "FI - Bkgd", "Obs Conc", "Exp Conc", "(Obs/Exp) * 100", "Dilution"),
    "Bead Count",
)
_ERRORS = "Sampling Errors: " + ";  ".join(f"{n} - {words}" for n, words in SAMPLING_ERRORS.items())
_NUMBERS = (VendorStatus.IN_RANGE, VendorStatus.EXTRAPOLATED)


def write_bioplex_analyte(plate: Plate) -> bytes:
    """The plate as Bio-Plex Manager exports it, one sheet per analyte."""
    readout = read_out(plate)
    table = _BioplexCells(readout)
    book = Workbook()
    for column, (name, printed) in enumerate(
        zip(readout.analytes, printed_names(readout), strict=True)
    ):
        rows: list[Row] = [*header(plate), (f"Analyte: {printed}",), ()]
        if means := table.means(printed, column):
            rows += [_TITLES, *means, (), ()]
        rows += [_TITLES, *table.singles(printed, column), ()]
        rows += [(_ERRORS,), *((line,) for line in LEGEND), ("Ratio = Member/Reference",), ()]
        if plate.vendor_curves:
            rows += [(line,) for line in curve_lines(plate.vendor_curves.get(name))]
        book.add(printed, rows)
    return book.finish()


class _BioplexCells:
    """What both workbooks print of a well, and of the replicates of a type code together."""

    def __init__(self, readout: ReadOut) -> None:
        self._readout = readout
        self.groups = groups(readout)
        names = ("mfi", "net_mfi", "bead_count", "expected")
        vendor = ("vendor_concentration", "vendor_recovery_pct")
        self._numbers = {name: readout.numbers(name) for name in (*names, *vendor)}
        self._statuses = readout.texts("vendor_status")
        self._comments = readout.texts("comment")

    def singles(self, printed: str, column: int) -> list[Row]:
        """One row per well."""
        return [
            self._row(printed, self._readout.wells[row], self.of_well(group, row, column))
            for group in self.groups
            for row in group.rows
        ]

    def means(self, printed: str, column: int) -> list[Row]:
        """One row per type code, readings averaged over its wells; none without replicates."""
        if all(len(group.rows) == 1 for group in self.groups):
            return []
        rows = []
        for group in self.groups:
            wells = ",".join(self._readout.wells[row] for row in group.rows)
            rows.append(self._row(printed, wells, self._of_group(group, column)))
        return rows

    def _row(self, printed: str, wells: str, cells: dict[str, Cell]) -> Row:
        whole: dict[str, Cell] = {"Analyte": printed, "Well": wells, **cells}
        return [whole.get(title, "") for title in _TITLES]

    def of_well(self, group: Group, row: int, column: int) -> dict[str, Cell]:
        """The cells of one well by their columns' titles."""
        value = {name: float(table[row, column]) for name, table in self._numbers.items()}
        status, kind = self._statuses[row][column], self._readout.well_types[row]
        remark = self._comments[row][column]
        errors = [code for code, words in SAMPLING_ERRORS.items() if words in remark]
        return {
            "Type": group.code,
            "Description": group.description,
            "Dilution": group.dilution,
            "Outlier": float(status == VendorStatus.OUTLIER),
            "FI": value["mfi"],
            "FI - Bkgd": value["net_mfi"],
            "Obs Conc": result(value["vendor_concentration"], status),
            "Exp Conc": expected(value["expected"], kind, group.dilution),
            "(Obs/Exp) * 100": recovery(value["vendor_recovery_pct"], kind, status),
            "Bead Count": value["bead_count"],
            "Sampling Errors": ",".join(errors),
        }

    def _of_group(self, group: Group, column: int) -> dict[str, Cell]:
        readings = {name: table[group.rows, column] for name, table in self._numbers.items()}
        mfi = readings["mfi"]
        spread = float(mfi.std(ddof=1)) if len(mfi) > 1 else 0.0
        mean = float(mfi.mean())
        status = _joint_status({self._statuses[row][column] for row in group.rows})
        kind = self._readout.well_types[group.rows[0]]
        found = float(readings["vendor_recovery_pct"].mean())
        return {
            "Type": group.code,
            "Description": group.description,
            "Dilution": group.dilution,
            "Outlier": 0.0,
            "FI": mean,
            "FI - Bkgd": float(readings["net_mfi"].mean()),
            "Std Dev": spread,
            "%CV": 100 * spread / mean if mean > 0 else float(np.nan),
            "Obs Conc": result(float(readings["vendor_concentration"].mean()), status),
            "Exp Conc": expected(float(readings["expected"][0]), kind, group.dilution),
            "(Obs/Exp) * 100": recovery(found, kind, status),
        }


def _joint_status(statuses: set[str]) -> str:
    """What holds of a mean: the sign that all wells share, else that there is none."""
    if statuses <= set(map(str, _NUMBERS)):
        return str(max(statuses, key=lambda status: status == VendorStatus.EXTRAPOLATED))
    return statuses.pop() if len(statuses) == 1 else str(VendorStatus.NOT_AVAILABLE)


# Bio-Plex Manager .xlsx, one sheet per statistic: analytes above Type, Well, Description.


def write_bioplex_statistic(plate: Plate, *, decimal: str = ".") -> bytes:
    """The plate as Bio-Plex Manager exports it, one sheet per statistic and one for the curves."""
    readout = read_out(plate)
    printed = printed_names(readout)
    table = _BioplexCells(readout)
    labels: list[Row] = []
    cells: list[list[dict[str, Cell]]] = []
    for group in table.groups:
        for row in group.rows:
            labels.append((group.code, readout.wells[row], group.description))
            cells.append([table.of_well(group, row, column) for column in range(len(printed))])
    book = Workbook()
    for title in _STATISTICS:
        rows: list[Row] = [*header(plate, decimal), (), ("", "", "", *printed)]
        rows.append(("Type", "Well", "Description", *[title] * len(printed)))
        rows += [
            (*label, *(_printed(cell[title], decimal) for cell in row))
            for label, row in zip(labels, cells, strict=True)
        ]
        rows += [(), *((line,) for line in LEGEND)]
        book.add(title.replace("/", " ").replace("*", "X"), rows)
    if plate.vendor_curves:
        book.add("Standard Curve", _curves(plate, decimal))
    return book.finish()


def _printed(cell: Cell, decimal: str) -> Cell:
    """With a decimal comma, numbers are text."""
    if decimal == "." or cell != cell:
        return cell
    text = cell if isinstance(cell, str) else number(cell)
    return text.replace(".", decimal)


def _curves(plate: Plate, decimal: str) -> list[Row]:
    """The curves without names, two beside each other, in the order of the analytes."""
    found = [curve_lines(plate.vendor_curves.get(name), decimal) for name in plate.analyte_names]
    rows: list[Row] = [(), ()]
    for start in range(0, len(found), 2):
        left, right = found[start], found[start + 1] if start + 1 < len(found) else []
        for line in range(max(len(left), len(right))):
            pair = [lines[line] if line < len(lines) else "" for lines in (left, right)]
            rows.append((pair[0], "", pair[1]))
        rows += [(), (), ()]
    return rows


# Blocks opened by ``DataType:``, as xPONENT, INTELLIFLEX and IS 2.3 write them.


Cells = Sequence[str]

#: columns that stand beside the analytes, so that no analyte can be told from them
RESERVED = frozenset({"Location", "Sample", "Plate", "Total Events", "Notes"})
#: where a reading stands: its number, the plate, the well
XPONENT_LOCATION, IS23_LOCATION = "{}(1,{})", "{} ({})"
_READING_BLOCKS = {"Median": "mfi", "Net MFI": "net_mfi", "Count": "bead_count"}
_STATUSES = [status for status in VendorStatus if status is not VendorStatus.OUTLIER]
_EXTRAPOLATED = "Extrapolated"


def text_of(rows: Iterable[Cells]) -> str:
    """Rows as quoted cells with CRLF line ends."""
    return "".join(_line(row) for row in rows)


def _line(row: Cells) -> str:
    return ",".join('"' + cell.replace('"', '""') + '"' for cell in row) + "\r\n"


def block(name: str, rows: Iterable[Cells]) -> list[Cells]:
    """One block with the empty line that ends it."""
    return [("DataType:", name), *rows, ()]


def read_out_for_blocks(plate: Plate) -> ReadOut:
    """Arrange a plate whose analytes are columns of blocks."""
    readout = read_out(plate)
    problems = [
        Problem(
            "CK-616",
            f"an analyte called {name!r} cannot be told from the column of that name",
            place(plate.name, analyte=name),
            "give the analyte another name",
        )
        for name in readout.analytes
        if name in RESERVED
    ]
    if problems:
        raise UsageError(*problems)
    return readout


def xponent_blocks(plate: Plate, family: str) -> list[Cells]:
    """All blocks of an xPONENT export, as far as the plate has something for them."""
    readout = read_out_for_blocks(plate)
    require_statuses(readout, family, _STATUSES)
    standards = by_reagent(readout, WellType.STANDARD, "expected")
    controls = {
        "Control Expected Concentration": by_reagent(readout, WellType.CONTROL, "expected"),
        "Control Range - Low": by_reagent(readout, WellType.CONTROL, "expected_low"),
        "Control Range - High": by_reagent(readout, WellType.CONTROL, "expected_high"),
    }
    named = list(dict.fromkeys(name for table in controls.values() for name in table))
    roles, _ = assign_roles(readout.samples, list(standards), named)
    require_types(readout, family, [roles[sample].well_type for sample in readout.samples])
    rows: list[Cells] = []
    for name, column in _READING_BLOCKS.items():
        rows += _per_well(readout, name, _numbers(readout, column))
    if readout.has_results:
        rows += _per_well(readout, "Result", _results(readout)) + _recovery(readout)
    rows += _comments(readout)
    rows += _by_analyte(plate)
    rows += _reagents(readout, "Standard Expected Concentration", standards)
    for name, table in controls.items():
        rows += _reagents(readout, name, table)
    rows += _dilution(readout)
    rows += _analysis(plate)
    return rows


def _numbers(readout: ReadOut, column: str) -> list[Cells]:
    return [[number(value) for value in row] for row in readout.numbers(column).tolist()]


def _per_well(
    readout: ReadOut,
    name: str,
    cells: Sequence[Cells],
    form: str = XPONENT_LOCATION,
    notes: Sequence[str] = (),
) -> list[Cells]:
    """A block of readings, with the events of each well and, in IS 2.3, notes on it."""
    beside = ("Total Events", "Notes") if notes else ("Total Events",)
    rows: list[Cells] = [("Location", "Sample", *readout.analytes, *beside)]
    for i, (place_, events) in enumerate(
        zip(_locations(readout, form), readout.events(), strict=True)
    ):
        rows.append((place_, readout.samples[i], *cells[i], number(events), *notes[i : i + 1]))
    return block(name, rows)


def _locations(readout: ReadOut, form: str = XPONENT_LOCATION) -> list[str]:
    return [form.format(i, well) for i, well in enumerate(readout.wells, start=1)]


def _results(readout: ReadOut, units: Sequence[str] | None = None) -> list[Cells]:
    """The vendor's concentrations: ``12.5``, ``< 4``; with units ``12.5 pg/mL``, ``<4 pg/mL``."""
    columns = ("vendor_concentration", "vendor_limit")
    values, limits = (readout.numbers(column).tolist() for column in columns)
    statuses = readout.texts("vendor_status")
    return [
        [
            _token(values[i][j], status, limits[i][j], None if units is None else units[j])
            for j, status in enumerate(row)
        ]
        for i, row in enumerate(statuses)
    ]


def _token(value: float, status: str, limit: float, unit: str | None) -> str:
    if status in (VendorStatus.OOR_LOW, VendorStatus.OOR_HIGH):
        sign = "<" if status == VendorStatus.OOR_LOW else ">"
        gap = " " if unit is None else ""
        return sign if limit != limit else f"{sign}{gap}{number(limit)} {unit or ''}".rstrip()
    if status == VendorStatus.NOT_GIVEN:
        return ""
    if status == VendorStatus.NOT_AVAILABLE and unit is not None:
        return "N/A"
    return f"{number(value)} {unit or ''}".rstrip()


def _recovery(readout: ReadOut) -> list[Cells]:
    """Standards and controls, in a block that holds no other wells."""
    values = readout.numbers("vendor_recovery_pct").tolist()
    rows: list[Cells] = [("Location", "Sample", *readout.analytes)]
    rows += [
        (place_, sample, *("N/A" if value != value else number(value) for value in row))
        for place_, sample, kind, row in zip(
            _locations(readout), readout.samples, readout.well_types, values, strict=True
        )
        if kind in (WellType.STANDARD, WellType.CONTROL)
    ]
    return block("% Recovery", rows)


def _comments(readout: ReadOut) -> list[Cells]:
    """Remarks on single readings; a number beyond the standards is marked by one."""
    rows: list[Cells] = [("Location", "Sample", *readout.analytes)]
    for place_, sample, remarks, statuses in zip(
        _locations(readout),
        readout.samples,
        readout.texts("comment"),
        readout.texts("vendor_status"),
        strict=True,
    ):
        cells = [_remark(*cell) for cell in zip(remarks, statuses, strict=True)]
        rows.append((place_, sample, *cells))
    return block("Comments", rows) if any(any(row[2:]) for row in rows[1:]) else []


def _remark(comment: str, status: str) -> str:
    if status != VendorStatus.EXTRAPOLATED or _EXTRAPOLATED.casefold() in comment.casefold():
        return comment
    return f"{comment}; {_EXTRAPOLATED}" if comment else _EXTRAPOLATED


def _by_analyte(plate: Plate) -> list[Cells]:
    table = plate.analytes
    beads = ("BeadID:", *map(str, table["bead_id"]))
    names = ("Analyte:", *plate.analyte_names)
    least = ("Per Bead:", *(number(count) for count in table["min_beads"]))
    return [
        *block("Units", [names, beads, ("Units:", *map(str, table["unit"]))]),
        *block("Per Bead Count", [names, beads, least]),
    ]


def _reagents(readout: ReadOut, name: str, table: dict[str, list[float]]) -> list[Cells]:
    if not table:
        return []
    rows: list[Cells] = [("Reagent", *readout.analytes)]
    rows += [(sample, *map(number, values)) for sample, values in table.items()]
    return block(name, rows)


def _dilution(readout: ReadOut) -> list[Cells]:
    rows: list[Cells] = [("Location", "Sample", "Dilution Factor")]
    factors = map(number, readout.dilutions)
    rows += list(zip(_locations(readout), readout.samples, factors, strict=True))
    return block("Dilution Factor", rows)


def _analysis(plate: Plate) -> list[Cells]:
    """The vendor's curves, where the plate has them."""
    names = [name for name in plate.analyte_names if name in plate.vendor_curves]
    if not names:
        return []
    curves = [plate.vendor_curves[name] for name in names]
    coefficients = [
        (
            f"Coefficient {letter}",
            *(repr(float(getattr(curve, letter.lower()))) for curve in curves),
        )
        for letter in "ABCDF"
    ]
    r2 = [number(curve.statistics.get("r2", float("nan"))) for curve in curves]
    types = ("AnalysisType", *(curve.regression for curve in curves))
    return [
        *block("Analysis Types", [("Analyte:", *names), types]),
        *block("Analysis Coefficients", [("Analyte:", *names), *coefficients]),
        *block("R^2", [("Analyte:", *names), ("Value", *r2)]),
    ]


# INTELLIFLEX in xPONENT's blocks: a byte order mark, ISO dates, averages, no checksum.


def write_intelliflex_blocks(plate: Plate) -> bytes:
    """The plate as an INTELLIFLEX exports it in blocks."""
    rows: list[Cells] = [*_header(plate), ("Results",), ()]
    rows += xponent_blocks(plate, "INTELLIFLEX")
    rows += _averages(plate)
    return codecs.BOM_UTF8 + text_of(rows).encode()


def _header(plate: Plate) -> list[Cells]:
    return [
        ("Program", "xPONENT", "", "Intelliflex"),
        ("Build", "2.1.1015"),
        ("Date", "2021-01-15", "10:00"),
        (),
        ("SN", "SIMULATED"),
        ("Batch", plate.name),
        ("Version", "1"),
        ("Operator", ""),
        ("ProtocolName", "Simulated by cytokit, nothing was measured"),
        ("BatchStartTime", "2021-01-15 10:00"),
        ("BatchStopTime", "2021-01-15 11:00"),
        ("ProtocolPlate", "Name", "simulated", "Type", str(plate.size), "Plates", "1"),
        ("ProtocolAnalysis", "Off"),
        ("BeadType", "MagPlex"),
        ("PlateReadDirection", "Vertical"),
        (),
        ("Samples", str(plate.wells["well"].nunique()), "Min Events", "", "Per Bead"),
        (),
    ]


def _averages(plate: Plate) -> list[Cells]:
    """Mean MFI of each sample's wells; NaN where one of them was not read."""
    readout = read_out_for_blocks(plate)
    mfi = readout.numbers("mfi")
    rows: list[Cells] = [("Plate", "Sample", *readout.analytes)]
    for sample in dict.fromkeys(readout.samples):
        mean = mfi[np.array(readout.samples) == sample].mean(axis=0)
        rows.append(("1", sample, *(number(float(value)) for value in mean)))
    return block("Avg MFI", rows)


# INTELLIFLEX rows: one per well, columns by bead region and reporter; a layout to go with them.


_CODES = {
    WellType.BLANK: "B",
    WellType.STANDARD: "S",
    WellType.CONTROL: "C",
    WellType.UNKNOWN: "U",
}
_REPORTER = re.compile(r"(.+) \(RP([12])\)", re.DOTALL)
#: a reading's own columns, and the plate's column they come from
_READINGS = {"MEDIAN": "mfi", "NET MEDIAN": "net_mfi", "COUNT": "bead_count"}
#: what version 2.2 adds to a reading; the simulated instrument does not compute them
_NOT_COMPUTED = ("BACKGROUND", "NET NORMALIZED MEDIAN", "%CV", "REPLICATE %CV")
_SIGNATURE = (
    ("--DOCUMENT SIGNATURE--",),
    ("Instrument Serial Number: SIMULATED",),
    ("Data Signature: ",),
    ("none",),
)


@dataclass(frozen=True, slots=True)
class _BeadTitles:
    """One analyte's column group: name without reporter, region, reporter, position."""

    name: str
    region: str
    reporter: str
    position: int

    def title(self, what: str) -> str:
        return f"R{self.region}: RP{self.reporter} {what}"


def write_intelliflex_rows(plate: Plate) -> bytes:
    """The plate in the flat form of version 2.2, with the instrument's state in every row."""
    before = {
        "MODEL NAME": "xMAP INTELLIFLEX DR-SE",
        **instrument("4.8"),
        "CALIBRATION STATE": "Calibrated",
        "CALIBRATION TIMESTAMP": "2021-01-15 08:00:00 AM",
        "VERIFICATION STATE": "Verified",
        "VERIFICATION TIMESTAMP": "2021-01-15 08:10:00 AM",
    }
    after = {
        "PROTOCOL NAME": "Simulated by cytokit, nothing was measured",
        "UPTAKE VOLUME": "50",
        "BEAD TYPE": "MagPlex",
    }
    return csv_bytes(intelliflex_rows(plate, before, after, _NOT_COMPUTED, end=("",)))


def write_layout(plates: Iterable[Plate]) -> bytes:
    """A layout that says of some plates what their rows cannot: expected concentrations."""
    rows: list[dict[str, str]] = []
    for plate in plates:
        readout = read_out(plate)
        expected = readout.numbers("expected").tolist()
        for i, well in enumerate(readout.wells):
            fixed = readout.well_types[i] in (WellType.STANDARD, WellType.BLANK)
            rows.append(
                {
                    "plate": plate.name,
                    "well": well,
                    "sample": readout.samples[i],
                    "type": str(readout.well_types[i]),
                    "dilution": "" if fixed else number(readout.dilutions[i]),
                }
            )
            if readout.well_types[i] in (WellType.STANDARD, WellType.CONTROL):
                for name, value in zip(readout.analytes, expected[i], strict=True):
                    rows[-1][f"expected {name}"] = "" if value != value else number(value)
    titles = list(dict.fromkeys(title for row in rows for title in row))
    return csv_bytes([titles, *([row.get(title, "") for title in titles] for row in rows)])


def instrument(version: str) -> dict[str, str]:
    """The columns that name the instrument."""
    return {
        "INSTRUMENT TYPE": "INTELLIFLEX",
        "SERIAL NUMBER": "SIMULATED",
        "SOFTWARE VERSION": version,
    }


def intelliflex_rows(
    plate: Plate,
    before: dict[str, str],
    after: dict[str, str],
    empty: Sequence[str],
    *,
    end: Sequence[str],
) -> list[Sequence[str]]:
    """Head, one row per well, signature; ``end`` closes every row of the table."""
    readout = read_out(plate)
    beads = _beads(readout)
    before = {**before, "PLATE NAME": plate.name, "PLATE START": "2021-01-15 10:00:00 AM"}
    of_well = ("WELL LOCATION", "WELL TYPE", "WELL STATUS", "SAMPLE ID", "DILUTION")
    head = [*before, *of_well, *after, "TOTAL EVENTS"]
    for bead in beads:
        head += map(bead.title, ("ANALYTE NAME", "REGION", *_READINGS, *empty))
    values = [readout.numbers(column).tolist() for column in _READINGS.values()]
    events, codes = readout.events(), _codes(readout)
    rows: list[Sequence[str]] = [[*head, *end]]
    for i, well in enumerate(readout.wells):
        fixed = readout.well_types[i] in (WellType.STANDARD, WellType.BLANK)
        dilution = "1" if fixed else number(readout.dilutions[i])
        row = [*before.values(), well, codes[i], "Complete", readout.samples[i], dilution]
        row += [*after.values(), number(events[i])]
        for bead in beads:
            row += [bead.name, bead.region, *(number(of[i][bead.position]) for of in values)]
            row += ["NaN"] * len(empty)
        rows.append([*row, *end])
    return [*rows, *_SIGNATURE]


def _beads(readout: ReadOut) -> list[_BeadTitles]:
    """Column groups; CK-618 if two analytes would share one or a region is missing."""
    regions = list(map(str, readout.plate.analytes["bead_id"]))
    matches = [_REPORTER.fullmatch(name) for name in readout.analytes]
    reporters = {match[2] for match in matches if match}
    two = all(matches) and len(reporters) == 2
    beads = [
        _BeadTitles(match[1], region, match[2], position)
        if two and match is not None
        else _BeadTitles(readout.analytes[position], region, "1", position)
        for position, (match, region) in enumerate(zip(matches, regions, strict=True))
    ]
    keys = [(bead.region, bead.reporter) for bead in beads]
    problems = [
        Problem(
            "CK-618",
            f"region {bead.region!r} is another analyte's" if bead.region else "no bead region",
            place(readout.plate.name, analyte=bead.name),
            "INTELLIFLEX names columns by region: give every analyte its own",
        )
        for bead, key in zip(beads, keys, strict=True)
        if not bead.region or keys.count(key) > 1
    ]
    problems += [
        Problem(
            "CK-616",
            f"an analyte called {bead.name!r} reads as one without a name",
            place(readout.plate.name),
            "give the analyte another name",
        )
        for bead in beads
        if bead.name.casefold() == "nan"
    ]
    if problems:
        raise UsageError(*problems)
    return beads


def _codes(readout: ReadOut) -> list[str]:
    """``S1``, ``U12``: one number per sample of a type; blanks have none."""
    numbers = {kind: list(readout.first_wells(kind)) for kind in WellType}
    return [
        _CODES[kind]
        if kind is WellType.BLANK
        else f"{_CODES[kind]}{numbers[kind].index(sample) + 1}"
        for sample, kind in zip(readout.samples, readout.well_types, strict=True)
    ]


def csv_bytes(rows: Iterable[Sequence[str]]) -> bytes:
    """Rows as CSV with CRLF line ends, quoted where need be."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows(rows)
    return out.getvalue().encode()


# Luminex 100 IS 2.3: xPONENT's forerunner, and the lots file that says what standards hold.


_IS23_STATUSES = (
    VendorStatus.IN_RANGE,
    VendorStatus.OOR_LOW,
    VendorStatus.OOR_HIGH,
    VendorStatus.NOT_AVAILABLE,
    VendorStatus.NOT_GIVEN,
)


def write_is23(plate: Plate) -> bytes:
    """The plate as an IS 2.3 export."""
    readout = read_out_for_blocks(plate)
    require_types(
        readout, "IS 2.3", (type_by_name(sample, IS23_NAMES) for sample in readout.samples)
    )
    require_statuses(readout, "IS 2.3", _IS23_STATUSES)
    notes = [
        "; ".join(dict.fromkeys(filter(None, remarks))) for remarks in readout.texts("comment")
    ]
    units = [readout.plate.unit(name) for name in readout.analytes]
    rows: list[Cells] = [*_is23_header(readout), ("Results",), ()]
    for name, column in _READING_BLOCKS.items():
        rows += _per_well(readout, name, _numbers(readout, column), IS23_LOCATION, notes)
        if name == "Median" and readout.has_results:
            rows += _per_well(readout, "Result", _results(readout, units), IS23_LOCATION, notes)
    return text_of(rows).encode()


def write_lots(plates: Iterable[Plate]) -> bytes:
    """The lots file that goes with the exports of some plates."""
    lots: dict[str, list[dict[str, str]]] = {}
    for plate in plates:
        readout = read_out_for_blocks(plate)
        lots.setdefault(_lot_name(readout), _lot(readout))
    entries = [{"Lot": name, **entry} for name, lot in lots.items() for entry in lot]
    titles = list(dict.fromkeys(title for entry in entries for title in entry))
    out = io.StringIO()
    table = csv.DictWriter(out, titles, restval="", lineterminator="\n")
    table.writeheader()
    table.writerows(entries)
    return out.getvalue().encode()


def _is23_header(readout: ReadOut) -> list[Cells]:
    return [
        ("Program", "Luminex 100 IS"),
        ("Build", "2.3"),
        ("Date", "01/15/2021", "10:00:00 AM"),
        (),
        ("SN", "SIMULATED"),
        ("Session", readout.plate.name),
        ("Operator", ""),
        ("TemplateDescription", "Simulated by cytokit, nothing was measured"),
        ("BatchStartTime", "1/15/2021 10:00:00 AM"),
        ("AssayLotInfo:",),
        ("ManufacturerName", "ProductName", "ProductType", "LotName"),
        ("cytokit", "simulated", "Assay Standard", _lot_name(readout)),
        (),
        ("Samples", str(len(readout.wells)), "Min Events", "0"),
        (),
    ]


def _lot(readout: ReadOut) -> list[dict[str, str]]:
    """One entry per analyte; what is not expected is left out."""
    levels = by_reagent(readout, WellType.STANDARD, "expected")
    low = by_reagent(readout, WellType.CONTROL, "expected_low")
    high = by_reagent(readout, WellType.CONTROL, "expected_high")
    columns = {
        **levels,
        **{f"{name}.lo": values for name, values in low.items()},
        **{f"{name}.hi": values for name, values in high.items()},
    }
    entries = []
    for index, analyte in enumerate(readout.analytes):
        entry = {"Analyte": analyte, "Unit": f"[{readout.plate.unit(analyte)}]"}
        for title, values in columns.items():
            entry[title] = number(values[index]) if values[index] == values[index] else ""
        entries.append(entry)
    return entries


def _lot_name(readout: ReadOut) -> str:
    """A name that plates share only if they expect the same."""
    return f"SIM-{zlib.crc32(repr(_lot(readout)).encode()):08X}"


# xPONENT CSV: quoted cells, CRLF, blocks opened by ``DataType:``, CRC footer.


def write_xponent(plate: Plate) -> bytes:
    """The plate as an xPONENT export."""
    rows: list[Cells] = [
        *_xponent_header(plate),
        ("Results",),
        (),
        *xponent_blocks(plate, "xPONENT"),
    ]
    rows += block("Audit Logs", [("UserId", "Date", "Message")])
    rows += block("Warnings/Errors", [("Location", "Status", "Message")])
    text = text_of(rows)
    return (text + f"-- CRC --\r\nCRC32: {zlib.crc32(text.encode()):08X}\r\n").encode()


def _xponent_header(plate: Plate) -> list[Cells]:
    unknown = plate.of_type(WellType.UNKNOWN)["sample"].nunique()
    return [
        ("Program", "xPONENT", "", "MAGPIX"),
        ("Build", "4.2.1705.0"),
        ("Date", "01/15/2021", "10:00 AM"),
        (),
        ("SN", "SIMULATED"),
        ("Batch", plate.name),
        ("Version", "1"),
        ("Operator", ""),
        ("ProtocolName", "Simulated by cytokit, nothing was measured"),
        ("BatchStartTime", "1/15/2021 10:00:00 AM"),
        ("BatchStopTime", "1/15/2021 11:00:00 AM"),
        ("ProtocolPlate", "Name", "simulated", "Type", str(plate.size), "Plates", "1"),
        ("ProtocolMicrosphere", "Type", "MagPlex", "Count", str(len(plate.analytes))),
        ("ProtocolAnalysis", "Type", "Quan", "Mode", "FitOfAllStandards"),
        (),
        ("Samples", str(unknown), "Min Events", number(plate.analytes["min_beads"].max())),
        (),
    ]


@dataclass(frozen=True, slots=True)
class Companion:
    """A file that goes with a family's exports: its name, and its function from plates to bytes."""

    name: str
    write: Callable[[Sequence[Plate]], bytes]
    about: str


@dataclass(frozen=True, slots=True)
class Writer:
    """A family's writer: its title, file suffix and function from Plate to bytes."""

    title: str
    suffix: str
    write: Callable[[Plate], bytes]
    companions: tuple[Companion, ...] = ()


_LAYOUT = Companion(
    "layout.csv",
    write_layout,
    "The exports do not say what the standards hold: give `--layout layout.csv` to `cytokit fit`.",
)
_LOTS = Companion(
    "kit_lots.csv",
    write_lots,
    "The exports name a kit lot; what its standards hold stands in `kit_lots.csv`, which is found\n"
    "beside them.",
)
_DILUTIONS = Companion(
    "layout.csv",
    write_layout,
    "The exports do not say how the samples were diluted: give `--layout layout.csv` to\n"
    "`cytokit fit`.",
)

#: by the name that ``cytokit simulate --format`` takes
WRITERS = {
    "xponent": Writer("xPONENT CSV", "csv", write_xponent),
    "intelliflex": Writer("INTELLIFLEX blocks", "csv", write_intelliflex_blocks),
    "intelliflex-wide": Writer("INTELLIFLEX rows", "csv", write_intelliflex_rows, (_LAYOUT,)),
    "bioplex": Writer("Bio-Plex per analyte", "xlsx", write_bioplex_analyte),
    "bioplex-statistic": Writer("Bio-Plex per statistic", "xlsx", write_bioplex_statistic),
    "is23": Writer("Luminex IS 2.3", "csv", write_is23, (_LOTS, _DILUTIONS)),
}
