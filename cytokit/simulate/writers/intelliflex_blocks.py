"""INTELLIFLEX in xPONENT's blocks: a byte order mark, ISO dates, averages, no checksum."""

from __future__ import annotations

import codecs

import numpy as np

from cytokit.plate import Plate
from cytokit.simulate.writers._blocks import (
    Row,
    block,
    read_out_for_blocks,
    text_of,
    xponent_blocks,
)
from cytokit.simulate.writers._readout import number


def write(plate: Plate) -> bytes:
    """The plate as an INTELLIFLEX exports it in blocks.

    Parameters
    ----------
    plate : Plate

    Returns
    -------
    bytes
        UTF-8 text with a byte order mark and CRLF line ends; it says what an xPONENT export says,
        and the averages of replicates besides.

    Raises
    ------
    UsageError
        As :func:`cytokit.simulate.writers.xponent.write`.

    Examples
    --------
    >>> import numpy as np
    >>> from cytokit.simulate import CYTOKINES, simulate_plate
    >>> plate = simulate_plate(CYTOKINES, {}, rng=np.random.default_rng(1))
    >>> write(plate).decode("utf-8-sig").splitlines()[0]
    '"Program","xPONENT","","Intelliflex"'
    """
    rows: list[Row] = [*_header(plate), ("Results",), ()]
    rows += xponent_blocks(plate, "INTELLIFLEX")
    rows += _averages(plate)
    return codecs.BOM_UTF8 + text_of(rows).encode()


def _header(plate: Plate) -> list[Row]:
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


def _averages(plate: Plate) -> list[Row]:
    """Mean MFI of each sample's wells; NaN where one of them was not read."""
    readout = read_out_for_blocks(plate)
    mfi = readout.numbers("mfi")
    rows: list[Row] = [("Plate", "Sample", *readout.analytes)]
    for sample in dict.fromkeys(readout.samples):
        mean = mfi[np.array(readout.samples) == sample].mean(axis=0)
        rows.append(("1", sample, *(number(float(value)) for value in mean)))
    return block("Avg MFI", rows)
