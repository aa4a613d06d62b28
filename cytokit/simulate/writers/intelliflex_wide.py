"""INTELLIFLEX rows: one per well, columns by bead region and reporter; a layout to go with them."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cytokit.errors import Problem, UsageError, place
from cytokit.plate import Plate
from cytokit.simulate.writers._readout import ReadOut, number, read_out
from cytokit.vocabulary import WellType

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
class _Bead:
    """One analyte's column group: name without reporter, region, reporter, position."""

    name: str
    region: str
    reporter: str
    position: int

    def title(self, what: str) -> str:
        return f"R{self.region}: RP{self.reporter} {what}"


def write(plate: Plate) -> bytes:
    """The plate in the flat form of version 2.2, with the instrument's state in every row.

    Parameters
    ----------
    plate : Plate
        Analytes called ``IL-6 (RP1)`` and ``IL-6 (RP2)`` are one region seen by both reporters,
        provided that every analyte names its reporter and both occur.

    Returns
    -------
    bytes
        UTF-8 text. The form has no place for units, expected concentrations (see
        :func:`write_layout`), anything the vendor computes, and remarks.

    Raises
    ------
    UsageError
        CK-614 wells that no table of wells x analytes holds, CK-616 names of analytes, CK-618
        regions that are missing or shared.

    Examples
    --------
    >>> import numpy as np
    >>> from cytokit.simulate import CYTOKINES, simulate_plate
    >>> write(simulate_plate(CYTOKINES, {}, rng=np.random.default_rng(1)))[:26]
    b'MODEL NAME,INSTRUMENT TYPE'
    """
    before = {"MODEL NAME": "xMAP INTELLIFLEX DR-SE", **_instrument("4.8"), **_state()}
    after = {
        "PROTOCOL NAME": "Simulated by cytokit, nothing was measured",
        "UPTAKE VOLUME": "50",
        "BEAD TYPE": "MagPlex",
    }
    return _text(_rows(plate, before, after, _NOT_COMPUTED, end=("",)))


def write_short(plate: Plate) -> bytes:
    """The plate with the fewest columns that instruments write; else as :func:`write`."""
    return _text(_rows(plate, _instrument("2.1"), {}, (), end=()))


def write_layout(plates: Iterable[Plate]) -> bytes:
    """A layout that says of some plates what their rows cannot: expected concentrations.

    Parameters
    ----------
    plates : iterable of Plate

    Returns
    -------
    bytes
        CSV, one row per well (see :mod:`cytokit.layout`).
    """
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
    return _text([titles, *([row.get(title, "") for title in titles] for row in rows)])


def _instrument(version: str) -> dict[str, str]:
    return {
        "INSTRUMENT TYPE": "INTELLIFLEX",
        "SERIAL NUMBER": "SIMULATED",
        "SOFTWARE VERSION": version,
    }


def _state() -> dict[str, str]:
    return {
        "CALIBRATION STATE": "Calibrated",
        "CALIBRATION TIMESTAMP": "2021-01-15 08:00:00 AM",
        "VERIFICATION STATE": "Verified",
        "VERIFICATION TIMESTAMP": "2021-01-15 08:10:00 AM",
    }


def _rows(
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


def _beads(readout: ReadOut) -> list[_Bead]:
    """Column groups; CK-618 if two analytes would share one or a region is missing."""
    regions = list(map(str, readout.plate.analytes["bead_id"]))
    matches = [_REPORTER.fullmatch(name) for name in readout.analytes]
    reporters = {match[2] for match in matches if match}
    two = all(matches) and len(reporters) == 2
    beads = [
        _Bead(match[1], region, match[2], position)
        if two and match is not None
        else _Bead(readout.analytes[position], region, "1", position)
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


def _text(rows: Iterable[Sequence[str]]) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows(rows)
    return out.getvalue().encode()
