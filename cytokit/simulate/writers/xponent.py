"""xPONENT CSV: quoted cells, CRLF, blocks opened by ``DataType:``, CRC footer."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence

import pandas as pd

from cytokit.plate import Plate, well_position
from cytokit.vocabulary import VendorStatus, WellType

Row = Sequence[str]

_NAN = "NaN"


def write(plate: Plate) -> bytes:
    """The plate as an xPONENT export.

    Parameters
    ----------
    plate : Plate

    Returns
    -------
    bytes
        UTF-8 text with CRLF line ends.
    """
    wells = _in_reading_order(plate)
    rows: list[Row] = [*_header(plate), ("Results",), ()]
    rows += _well_block(plate, wells, "Median", "mfi")
    rows += _well_block(plate, wells, "Net MFI", "net_mfi")
    rows += _well_block(plate, wells, "Count", "bead_count")
    if (plate.wells["vendor_status"] != str(VendorStatus.NOT_GIVEN)).any():
        rows += _results(plate, wells)
    rows += _units(plate)
    rows += _reagents(plate, "Standard Expected Concentration", WellType.STANDARD, "expected")
    rows += _reagents(plate, "Control Expected Concentration", WellType.CONTROL, "expected")
    rows += _reagents(plate, "Control Range - Low", WellType.CONTROL, "expected_low")
    rows += _reagents(plate, "Control Range - High", WellType.CONTROL, "expected_high")
    rows += _dilution(plate, wells)
    rows += _analysis(plate)
    rows += _block("Audit Logs", [("UserId", "Date", "Message")])
    rows += _block("Warnings/Errors", [("Location", "Status", "Message")])
    text = "".join(_line(row) for row in rows)
    return (text + f"-- CRC --\r\nCRC32: {zlib.crc32(text.encode()):08X}\r\n").encode()


def number(value: float) -> str:
    """A reading as xPONENT prints it: shortest form, no trailing ``.0``, NaN for none.

    Examples
    --------
    >>> number(14.0), number(83.5), number(float("nan"))
    ('14', '83.5', 'NaN')
    """
    if value != value:
        return _NAN
    return str(int(value)) if value == int(value) else repr(float(value))


def _line(row: Row) -> str:
    return ",".join('"' + cell.replace('"', '""') + '"' for cell in row) + "\r\n"


def _block(name: str, rows: Iterable[Row]) -> list[Row]:
    return [("DataType:", name), *rows, ()]


def _header(plate: Plate) -> list[Row]:
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


def _in_reading_order(plate: Plate) -> list[str]:
    """Wells down the columns, as the instrument reads them."""
    wells = plate.wells["well"].unique()
    return sorted(wells, key=lambda well: well_position(well)[::-1])


def _well_block(plate: Plate, wells: list[str], name: str, column: str) -> list[Row]:
    values = plate.wells.pivot(index="well", columns="analyte", values=column)
    table = values.loc[wells, plate.analyte_names].to_numpy()
    cells = {well: [number(v) for v in row] for well, row in zip(wells, table, strict=True)}
    return _per_well(plate, wells, name, cells)


def _per_well(plate: Plate, wells: list[str], name: str, cells: dict[str, list[str]]) -> list[Row]:
    samples = plate.wells.drop_duplicates("well").set_index("well")["sample"]
    events = plate.wells.groupby("well")["bead_count"].sum(min_count=1)
    rows: list[Row] = [("Location", "Sample", *plate.analyte_names, "Total Events")]
    for i, well in enumerate(wells, start=1):
        total = number(events[well])
        rows.append((f"{i}(1,{well})", str(samples[well]), *cells[well], total))
    return _block(name, rows)


def _results(plate: Plate, wells: list[str]) -> list[Row]:
    """The vendor's Result and % Recovery, with its tokens."""
    tokens = {
        (row["well"], row["analyte"]): _token(
            row["vendor_concentration"], row["vendor_status"], row["vendor_limit"]
        )
        for row in plate.wells.to_dict("records")
    }
    cells = {well: [tokens[well, name] for name in plate.analyte_names] for well in wells}
    rows = _per_well(plate, wells, "Result", cells)
    recovery = plate.wells.pivot(index="well", columns="analyte", values="vendor_recovery_pct")
    standards = set(plate.of_type(WellType.STANDARD)["well"])
    samples = plate.wells.drop_duplicates("well").set_index("well")["sample"]
    table: list[Row] = [("Location", "Sample", *plate.analyte_names)]
    for i, well in enumerate(wells, start=1):
        if well in standards:
            values = recovery.loc[well, plate.analyte_names]
            printed = ["N/A" if v != v else f"{v:.2f}" for v in values]
            table.append((f"{i}(1,{well})", str(samples[well]), *printed))
    return rows + _block("% Recovery", table)


def _token(value: float, status: str, limit: float) -> str:
    if status == VendorStatus.OOR_LOW:
        return f"< {number(limit)}"
    if status == VendorStatus.OOR_HIGH:
        return f"> {number(limit)}"
    if status == VendorStatus.NOT_AVAILABLE:
        return _NAN
    return number(value)


def _units(plate: Plate) -> list[Row]:
    table = plate.analytes
    return _block(
        "Units",
        [
            ("Analyte:", *plate.analyte_names),
            ("BeadID:", *map(str, table["bead_id"])),
            ("Units:", *map(str, table["unit"])),
        ],
    ) + _block(
        "Per Bead Count",
        [
            ("Analyte:", *plate.analyte_names),
            ("BeadID:", *map(str, table["bead_id"])),
            ("Per Bead:", *(number(count) for count in table["min_beads"])),
        ],
    )


def _reagents(plate: Plate, name: str, kind: WellType, column: str) -> list[Row]:
    rows = plate.of_type(kind)
    if rows.empty or rows[column].isna().all():
        return []
    once: pd.DataFrame = rows.drop_duplicates(["sample", "analyte"])
    values = once.pivot(index="sample", columns="analyte", values=column)
    table: list[Row] = [("Reagent", *plate.analyte_names)]
    table += [
        (sample, *(number(v) for v in values.loc[sample, plate.analyte_names]))
        for sample in once["sample"].unique()
    ]
    return _block(name, table)


def _dilution(plate: Plate, wells: list[str]) -> list[Row]:
    once = plate.wells.drop_duplicates("well").set_index("well")
    rows: list[Row] = [("Location", "Sample", "Dilution Factor")]
    factors = once["dilution_factor"].astype("float64").to_dict()
    rows += [
        (f"{i}(1,{well})", str(once.loc[well, "sample"]), number(factors[well]))
        for i, well in enumerate(wells, start=1)
    ]
    return _block("Dilution Factor", rows)


def _analysis(plate: Plate) -> list[Row]:
    """The vendor's curves, where the plate has them."""
    names = [name for name in plate.analyte_names if name in plate.vendor_curves]
    if not names:
        return []
    curves = [plate.vendor_curves[name] for name in names]
    coefficients = [
        (f"Coefficient {letter}", *(repr(getattr(curve, letter.lower())) for curve in curves))
        for letter in "ABCDF"
    ]
    r2 = [repr(curve.statistics.get("r2", float("nan"))) for curve in curves]
    return (
        _block(
            "Analysis Types",
            [("Analyte:", *names), ("AnalysisType", *(curve.regression for curve in curves))],
        )
        + _block("Analysis Coefficients", [("Analyte:", *names), *coefficients])
        + _block("R^2", [("Analyte:", *names), ("Value", *r2)])
    )
