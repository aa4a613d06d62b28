"""Blocks opened by ``DataType:``, as xPONENT, INTELLIFLEX and IS 2.3 write them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cytokit.errors import Problem, UsageError, place
from cytokit.parsers._reagents import assign_roles
from cytokit.plate import Plate
from cytokit.simulate.writers._readout import (
    ReadOut,
    by_reagent,
    number,
    read_out,
    require_statuses,
    require_types,
)
from cytokit.vocabulary import VendorStatus, WellType

Row = Sequence[str]

#: columns that stand beside the analytes, so that no analyte can be told from them
RESERVED = frozenset({"Location", "Sample", "Plate", "Total Events", "Notes"})
_STATUSES = [status for status in VendorStatus if status is not VendorStatus.OUTLIER]
_EXTRAPOLATED = "Extrapolated"


def text_of(rows: Iterable[Row]) -> str:
    """Rows as quoted cells with CRLF line ends."""
    return "".join(_line(row) for row in rows)


def _line(row: Row) -> str:
    return ",".join('"' + cell.replace('"', '""') + '"' for cell in row) + "\r\n"


def block(name: str, rows: Iterable[Row]) -> list[Row]:
    """One block with the empty line that ends it."""
    return [("DataType:", name), *rows, ()]


def read_out_for_blocks(plate: Plate) -> ReadOut:
    """Arrange a plate whose analytes are columns of blocks.

    Raises
    ------
    UsageError
        What :func:`read_out` raises; CK-616 if an analyte bears the name of another column.
    """
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


def xponent_blocks(plate: Plate, family: str) -> list[Row]:
    """All blocks of an xPONENT export, as far as the plate has something for them.

    Parameters
    ----------
    plate : Plate
    family : str
        For messages.

    Raises
    ------
    UsageError
        CK-614 to CK-617 and CK-620: what the blocks cannot say.
    """
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
    rows: list[Row] = []
    rows += _of_numbers(readout, "Median", "mfi")
    rows += _of_numbers(readout, "Net MFI", "net_mfi")
    rows += _of_numbers(readout, "Count", "bead_count")
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


def _of_numbers(readout: ReadOut, name: str, column: str) -> list[Row]:
    values = readout.numbers(column).tolist()
    return _per_well(readout, name, [[number(value) for value in row] for row in values])


def _per_well(readout: ReadOut, name: str, cells: Sequence[Row]) -> list[Row]:
    rows: list[Row] = [("Location", "Sample", *readout.analytes, "Total Events")]
    rows += [
        (place_, sample, *row, number(total))
        for place_, sample, row, total in zip(
            _locations(readout), readout.samples, cells, readout.events(), strict=True
        )
    ]
    return block(name, rows)


def _locations(readout: ReadOut) -> list[str]:
    return [f"{i}(1,{well})" for i, well in enumerate(readout.wells, start=1)]


def _results(readout: ReadOut) -> list[Row]:
    """The vendor's concentrations with its tokens."""
    return [
        [_token(*cell) for cell in zip(values, statuses, limits, strict=True)]
        for values, statuses, limits in zip(
            readout.numbers("vendor_concentration").tolist(),
            readout.texts("vendor_status"),
            readout.numbers("vendor_limit").tolist(),
            strict=True,
        )
    ]


def _token(value: float, status: str, limit: float) -> str:
    if status in (VendorStatus.OOR_LOW, VendorStatus.OOR_HIGH):
        sign = "<" if status == VendorStatus.OOR_LOW else ">"
        return sign if limit != limit else f"{sign} {number(limit)}"
    if status == VendorStatus.NOT_GIVEN:
        return ""
    return number(value)


def _recovery(readout: ReadOut) -> list[Row]:
    """Standards and controls, in a block that holds no other wells."""
    values = readout.numbers("vendor_recovery_pct").tolist()
    rows: list[Row] = [("Location", "Sample", *readout.analytes)]
    rows += [
        (place_, sample, *("N/A" if value != value else number(value) for value in row))
        for place_, sample, kind, row in zip(
            _locations(readout), readout.samples, readout.well_types, values, strict=True
        )
        if kind in (WellType.STANDARD, WellType.CONTROL)
    ]
    return block("% Recovery", rows)


def _comments(readout: ReadOut) -> list[Row]:
    """Remarks on single readings; a number beyond the standards is marked by one."""
    rows: list[Row] = [("Location", "Sample", *readout.analytes)]
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


def _by_analyte(plate: Plate) -> list[Row]:
    table = plate.analytes
    beads = ("BeadID:", *map(str, table["bead_id"]))
    names = ("Analyte:", *plate.analyte_names)
    least = ("Per Bead:", *(number(count) for count in table["min_beads"]))
    return [
        *block("Units", [names, beads, ("Units:", *map(str, table["unit"]))]),
        *block("Per Bead Count", [names, beads, least]),
    ]


def _reagents(readout: ReadOut, name: str, table: dict[str, list[float]]) -> list[Row]:
    if not table:
        return []
    rows: list[Row] = [("Reagent", *readout.analytes)]
    rows += [(sample, *map(number, values)) for sample, values in table.items()]
    return block(name, rows)


def _dilution(readout: ReadOut) -> list[Row]:
    rows: list[Row] = [("Location", "Sample", "Dilution Factor")]
    factors = map(number, readout.dilutions)
    rows += list(zip(_locations(readout), readout.samples, factors, strict=True))
    return block("Dilution Factor", rows)


def _analysis(plate: Plate) -> list[Row]:
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
