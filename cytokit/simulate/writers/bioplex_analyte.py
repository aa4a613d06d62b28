"""Bio-Plex Manager .xlsx, one sheet per analyte: means of replicates, single wells, the curve."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cytokit.parsers._bioplex import SAMPLING_ERRORS
from cytokit.plate import Plate
from cytokit.simulate.writers._bioplex import (
    LEGEND,
    Cell,
    Group,
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
from cytokit.simulate.writers._readout import ReadOut, read_out
from cytokit.vocabulary import VendorStatus

_TITLES = (
    "Analyte",
    "Type",
    "Well",
    "Outlier",
    "Description",
    "FI",
    "FI - Bkgd",
    "Std Dev",
    "%CV",
    "Obs Conc",
    "Exp Conc",
    "(Obs/Exp) * 100",
    "Group",
    "Ratio",
    "Dilution",
    "Bead Count",
    "Sampling Errors",
)
_ERRORS = "Sampling Errors: " + ";  ".join(f"{n} - {said}" for n, said in SAMPLING_ERRORS.items())
_NUMBERS = (VendorStatus.IN_RANGE, VendorStatus.EXTRAPOLATED)


def write(plate: Plate) -> bytes:
    """The plate as Bio-Plex Manager exports it, one sheet per analyte.

    Parameters
    ----------
    plate : Plate

    Returns
    -------
    bytes
        An .xlsx whose numbers have 16 digits, those of curves six. The form has no place for
        units, ranges of controls, the number beside an ``OOR``, names of standards and blanks,
        and remarks other than sampling errors and outliers.

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
    table = _Table(readout, groups(readout))
    book = Workbook()
    for column, (name, printed) in enumerate(
        zip(readout.analytes, printed_names(readout), strict=True)
    ):
        rows: list[Row] = [*header(plate), (f"Analyte: {printed}",), ()]
        if table.has_replicates:
            rows += [_TITLES, *table.means(printed, column), (), ()]
        rows += [_TITLES, *table.singles(printed, column), ()]
        rows += [(_ERRORS,), *((line,) for line in LEGEND), ("Ratio = Member/Reference",), ()]
        if plate.vendor_curves:
            rows += [(line,) for line in curve_lines(plate.vendor_curves.get(name))]
        book.add(printed, rows)
    return book.finish()


class _Table:
    """The rows of every sheet, made from one read-out of the plate."""

    def __init__(self, readout: ReadOut, found: Sequence[Group]) -> None:
        self._readout = readout
        self._groups = found
        self._numbers = {
            name: readout.numbers(name)
            for name in (
                "mfi",
                "net_mfi",
                "bead_count",
                "expected",
                "vendor_concentration",
                "vendor_recovery_pct",
            )
        }
        self._statuses = readout.texts("vendor_status")
        self._comments = readout.texts("comment")

    @property
    def has_replicates(self) -> bool:
        """Whether any type code has several wells."""
        return any(len(group.rows) > 1 for group in self._groups)

    def singles(self, printed: str, column: int) -> list[Row]:
        """One row per well."""
        return [
            self._row(printed, group, self._readout.wells[row], self._of_well(row, column))
            for group in self._groups
            for row in group.rows
        ]

    def means(self, printed: str, column: int) -> list[Row]:
        """One row per type code, readings averaged over its wells."""
        rows = []
        for group in self._groups:
            wells = ",".join(self._readout.wells[row] for row in group.rows)
            rows.append(self._row(printed, group, wells, self._of_group(group, column)))
        return rows

    def _row(self, printed: str, group: Group, wells: str, cells: dict[str, Cell]) -> Row:
        whole: dict[str, Cell] = {
            "Analyte": printed,
            "Type": group.code,
            "Well": wells,
            "Description": group.description,
            "Dilution": group.dilution,
            **cells,
        }
        return [whole.get(title, "") for title in _TITLES]

    def _of_well(self, row: int, column: int) -> dict[str, Cell]:
        value = {name: float(table[row, column]) for name, table in self._numbers.items()}
        status, kind = self._statuses[row][column], self._readout.well_types[row]
        outlier = status == VendorStatus.OUTLIER
        remark = self._comments[row][column]
        errors = [code for code, words in SAMPLING_ERRORS.items() if words in remark]
        return {
            "Outlier": float(outlier),
            "FI": value["mfi"],
            "FI - Bkgd": value["net_mfi"],
            "Obs Conc": result(value["vendor_concentration"], status),
            "Exp Conc": expected(value["expected"], kind, self._readout.dilutions[row]),
            "(Obs/Exp) * 100": recovery(value["vendor_recovery_pct"], kind, status),
            "Bead Count": value["bead_count"],
            "Sampling Errors": ",".join(errors),
        }

    def _of_group(self, group: Group, column: int) -> dict[str, Cell]:
        readings = {name: table[group.rows, column] for name, table in self._numbers.items()}
        mfi = readings["mfi"]
        spread = float(mfi.std(ddof=1)) if len(mfi) > 1 else 0.0
        mean = float(mfi.mean())
        statuses = {self._statuses[row][column] for row in group.rows}
        status = _joint_status(statuses)
        concentration = float(readings["vendor_concentration"].mean())
        kind = self._readout.well_types[group.rows[0]]
        found = float(readings["vendor_recovery_pct"].mean())
        return {
            "Outlier": 0.0,
            "FI": mean,
            "FI - Bkgd": float(readings["net_mfi"].mean()),
            "Std Dev": spread,
            "%CV": 100 * spread / mean if mean > 0 else float(np.nan),
            "Obs Conc": result(concentration, status),
            "Exp Conc": expected(float(readings["expected"][0]), kind, group.dilution),
            "(Obs/Exp) * 100": recovery(found, kind, status),
        }


def _joint_status(statuses: set[str]) -> str:
    """What holds of a mean: the sign that all wells share, else that there is none."""
    if statuses <= set(map(str, _NUMBERS)):
        return str(max(statuses, key=lambda status: status == VendorStatus.EXTRAPOLATED))
    return statuses.pop() if len(statuses) == 1 else str(VendorStatus.NOT_AVAILABLE)
