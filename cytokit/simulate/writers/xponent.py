"""xPONENT CSV: quoted cells, CRLF, blocks opened by ``DataType:``, CRC footer."""

from __future__ import annotations

import zlib

from cytokit.plate import Plate
from cytokit.simulate.writers._blocks import Row, block, text_of, xponent_blocks
from cytokit.simulate.writers._readout import number
from cytokit.vocabulary import WellType


def write(plate: Plate) -> bytes:
    """The plate as an xPONENT export.

    Parameters
    ----------
    plate : Plate

    Returns
    -------
    bytes
        UTF-8 text with CRLF line ends. The form has a place for everything a plate holds but the
        vendor's sign of an outlier.

    Raises
    ------
    UsageError
        CK-614 wells that no table of wells x analytes holds, CK-615 sample names that say another
        well type, CK-616 names of analytes, CK-617 expected values that differ between replicates,
        CK-620 outliers.

    Examples
    --------
    >>> import numpy as np
    >>> from cytokit.simulate import CYTOKINES, simulate_plate
    >>> write(simulate_plate(CYTOKINES, {}, rng=np.random.default_rng(1)))[:19]
    b'"Program","xPONENT"'
    """
    rows: list[Row] = [*_header(plate), ("Results",), (), *xponent_blocks(plate, "xPONENT")]
    rows += block("Audit Logs", [("UserId", "Date", "Message")])
    rows += block("Warnings/Errors", [("Location", "Status", "Message")])
    text = text_of(rows)
    return (text + f"-- CRC --\r\nCRC32: {zlib.crc32(text.encode()):08X}\r\n").encode()


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
