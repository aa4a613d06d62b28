"""Luminex 100 IS 2.3: xPONENT's forerunner, and the lots file that says what standards hold."""

from __future__ import annotations

import csv
import io
import re
import zlib
from collections.abc import Iterable, Sequence

from cytokit.plate import Plate
from cytokit.simulate.writers._blocks import Row, block, read_out_for_blocks, text_of
from cytokit.simulate.writers._readout import (
    ReadOut,
    by_reagent,
    number,
    require_statuses,
    require_types,
)
from cytokit.vocabulary import VendorStatus, WellType

#: how the software names what it was told of; every other name is a sample
_NAMES = (
    (re.compile(r"Background\s*\d*"), WellType.BLANK),
    (re.compile(r"(?:St|Standard)\s*\d+", re.IGNORECASE), WellType.STANDARD),
    (re.compile(r"Con\s?[A-Z]|Control\s*\d+"), WellType.CONTROL),
)
_STATUSES = (
    VendorStatus.IN_RANGE,
    VendorStatus.OOR_LOW,
    VendorStatus.OOR_HIGH,
    VendorStatus.NOT_AVAILABLE,
    VendorStatus.NOT_GIVEN,
)


def write(plate: Plate) -> bytes:
    """The plate as an IS 2.3 export.

    Parameters
    ----------
    plate : Plate

    Returns
    -------
    bytes
        UTF-8 text with CRLF line ends. The form has no place for bead regions, dilutions,
        recoveries, curves and expected concentrations (see :func:`write_lots`), a unit only
        beside a result, and one note per well.

    Raises
    ------
    UsageError
        CK-614 wells that no table of wells x analytes holds, CK-615 sample names that say another
        well type, CK-616 names of analytes, CK-617 expected values that differ between replicates,
        CK-620 statuses without a sign.

    Examples
    --------
    >>> import numpy as np
    >>> from cytokit.simulate import CYTOKINES, simulate_plate
    >>> write(simulate_plate(CYTOKINES, {}, rng=np.random.default_rng(1)))[:26]
    b'"Program","Luminex 100 IS"'
    """
    readout = read_out_for_blocks(plate)
    require_types(readout, "IS 2.3", map(_type_of, readout.samples))
    require_statuses(readout, "IS 2.3", _STATUSES)
    notes = [
        "; ".join(dict.fromkeys(filter(None, remarks))) for remarks in readout.texts("comment")
    ]
    rows: list[Row] = [*_header(readout), ("Results",), ()]
    rows += _block(readout, "Median", _numbers(readout, "mfi"), notes)
    if readout.has_results:
        rows += _block(readout, "Result", _results(readout), notes)
    rows += _block(readout, "Net MFI", _numbers(readout, "net_mfi"), notes)
    rows += _block(readout, "Count", _numbers(readout, "bead_count"), notes)
    return text_of(rows).encode()


def write_lots(plates: Iterable[Plate]) -> bytes:
    """The lots file that goes with the exports of some plates.

    Parameters
    ----------
    plates : iterable of Plate

    Returns
    -------
    bytes
        CSV: one row per lot and analyte with its unit, the level of each standard and the range of
        each control. Plates that expect the same share a lot.
    """
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


def _type_of(sample: str) -> WellType:
    return next((kind for names, kind in _NAMES if names.fullmatch(sample)), WellType.UNKNOWN)


def _header(readout: ReadOut) -> list[Row]:
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


def _block(readout: ReadOut, name: str, cells: Sequence[Row], notes: Sequence[str]) -> list[Row]:
    rows: list[Row] = [("Location", "Sample", *readout.analytes, "Total Events", "Notes")]
    events = [number(total) for total in readout.events()]
    for i, well in enumerate(readout.wells):
        rows.append((f"{i + 1} ({well})", readout.samples[i], *cells[i], events[i], notes[i]))
    return block(name, rows)


def _numbers(readout: ReadOut, column: str) -> list[Row]:
    return [[number(value) for value in row] for row in readout.numbers(column).tolist()]


def _results(readout: ReadOut) -> list[Row]:
    """Concentrations with their units: ``12.5 pg/mL``, ``<4 pg/mL``, ``N/A``."""
    units = [readout.plate.unit(name) for name in readout.analytes]
    return [
        [_token(*cell) for cell in zip(values, statuses, limits, units, strict=True)]
        for values, statuses, limits in zip(
            readout.numbers("vendor_concentration").tolist(),
            readout.texts("vendor_status"),
            readout.numbers("vendor_limit").tolist(),
            strict=True,
        )
    ]


def _token(value: float, status: str, limit: float, unit: str) -> str:
    if status in (VendorStatus.OOR_LOW, VendorStatus.OOR_HIGH):
        sign = "<" if status == VendorStatus.OOR_LOW else ">"
        return sign if limit != limit else f"{sign}{number(limit)} {unit}".rstrip()
    if status == VendorStatus.IN_RANGE:
        return f"{number(value)} {unit}".rstrip()
    return "N/A" if status == VendorStatus.NOT_AVAILABLE else ""


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
