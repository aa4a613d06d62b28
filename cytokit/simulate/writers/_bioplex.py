"""What Bio-Plex Manager's two workbooks share: type codes, result signs, curves, sheets."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from cytokit.errors import Problem, UsageError, place
from cytokit.parsers._bioplex import split_analyte
from cytokit.plate import Plate, VendorCurve
from cytokit.simulate.writers._readout import ReadOut, number
from cytokit.vocabulary import VendorStatus, WellType

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
    """The wells of one type code: ``S1``, ``X12``.

    Parameters
    ----------
    code : str
    description : str
        The sample's name; Bio-Plex knows standards and blanks by their codes alone.
    dilution : float
    rows : list of int
        Of the read-out.
    """

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
    """Analytes with their bead regions: ``IL-6 (19)``.

    Raises
    ------
    UsageError
        CK-618, where a name without a region would be read as one with it.
    """
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
    """A concentration as Bio-Plex prints it: a number, ``*1.55``, or a sign.

    Examples
    --------
    >>> result(1.55, "extrapolated"), result(2.0, "in_range"), result(2.0, "oor_low")
    ('*1.55', 2.0, 'OOR <')
    """
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
    said = curve.statistics
    if {"fit_prob", "res_var"} <= set(said):
        fit, variance = printed(said["fit_prob"], ".4f"), printed(said["res_var"], ".4f")
        lines.append(f"FitProb. = {fit}, ResVar. = {variance}")
    if {"range_low", "range_high"} <= set(said):
        low, high = printed(said["range_low"]), printed(said["range_high"])
        lines.append(f"Conc In Range = {low} to {high}")
    return lines
