"""Bio-Plex Manager .xlsx, one sheet per statistic: analytes above Type, Well, Description."""

from __future__ import annotations

from collections.abc import Callable

from cytokit.plate import Plate
from cytokit.simulate.writers._bioplex import (
    LEGEND,
    Cell,
    Row,
    Workbook,
    curve_lines,
    expected,
    groups,
    header,
    printed_names,
    recovery,
    result,
)
from cytokit.simulate.writers._readout import ReadOut, number, read_out
from cytokit.vocabulary import VendorStatus

#: one cell of a statistic, by row and column of the read-out
Statistic = Callable[[int, int], Cell]


def write(plate: Plate, *, decimal: str = ".") -> bytes:
    """The plate as Bio-Plex Manager exports it, one sheet per statistic and one for the curves.

    Parameters
    ----------
    plate : Plate
    decimal : {".", ","}
        With a comma every number is text (``16801,3``), as the software writes it where the
        computer's own mark is a comma.

    Returns
    -------
    bytes
        An .xlsx whose numbers have 16 digits, those of curves six. Each well has its own row. The
        form has no place for units, ranges of controls, the number beside an ``OOR``, names of
        standards and blanks, and remarks.

    Raises
    ------
    UsageError
        CK-614 wells that no table of wells x analytes holds, CK-616 names of analytes, CK-618
        bead regions that cannot be told from the name.

    Examples
    --------
    >>> import numpy as np
    >>> from cytokit.simulate import CYTOKINES, simulate_plate
    >>> write(simulate_plate(CYTOKINES, {}, rng=np.random.default_rng(1)))[:2]
    b'PK'
    """
    readout = read_out(plate)
    printed = printed_names(readout)
    labels: list[tuple[int, Row]] = [
        (row, (group.code, readout.wells[row], group.description))
        for group in groups(readout)
        for row in group.rows
    ]
    book = Workbook()
    for title, statistic in _statistics(readout).items():
        rows: list[Row] = [*header(plate, decimal), (), ("", "", "", *printed)]
        rows.append(("Type", "Well", "Description", *[title] * len(printed)))
        for row, label in labels:
            cells = [_printed(statistic(row, j), decimal) for j in range(len(printed))]
            rows.append((*label, *cells))
        rows += [(), *((line,) for line in LEGEND)]
        book.add(title.replace("/", " ").replace("*", "X"), rows)
    if plate.vendor_curves:
        book.add("Standard Curve", _curves(plate, decimal))
    return book.finish()


def _statistics(readout: ReadOut) -> dict[str, Statistic]:
    """The sheets by their columns' title."""
    numbers = {
        name: readout.numbers(name).tolist()
        for name in ("mfi", "net_mfi", "bead_count", "expected")
    }
    concentrations = readout.numbers("vendor_concentration").tolist()
    recoveries = readout.numbers("vendor_recovery_pct").tolist()
    statuses = readout.texts("vendor_status")
    kinds, dilutions = readout.well_types, readout.dilutions
    return {
        "Outlier": lambda i, j: float(statuses[i][j] == VendorStatus.OUTLIER),
        "FI": lambda i, j: numbers["mfi"][i][j],
        "FI - Bkgd": lambda i, j: numbers["net_mfi"][i][j],
        "Obs Conc": lambda i, j: result(concentrations[i][j], statuses[i][j]),
        "Exp Conc": lambda i, j: expected(numbers["expected"][i][j], kinds[i], dilutions[i]),
        "(Obs/Exp) * 100": lambda i, j: recovery(recoveries[i][j], kinds[i], statuses[i][j]),
        "Dilution": lambda i, _: dilutions[i],
        "Bead Count": lambda i, j: numbers["bead_count"][i][j],
    }


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
