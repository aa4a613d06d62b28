"""The folder of a fit of many plates, written part by part: memory holds one part at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import pandas as pd

from cytokit.findings import Finding, findings_table
from cytokit.record.manifest import describe_input
from cytokit.report._shown import shown
from cytokit.report.overview import PAGES, PlateLine, page_name, plate_line
from cytokit.report.page import shown_page
from cytokit.report.tables import rows_bytes, write_table
from cytokit.runs import run_facts
from cytokit.vocabulary import (
    CURVES_COLUMNS,
    FLAG_COLUMNS,
    SAMPLES_COLUMNS,
    SAMPLES_EXTRA_COLUMNS,
    STANDARDS_COLUMNS,
    WELLS_COLUMNS,
)

if TYPE_CHECKING:
    from cytokit.platefit import PlateFit

#: the tables that grow with every plate, in the order in which the folder's readers know them
GROWING = ("wells", "samples", "standards", "curves", "flags")
#: codes of findings that are known only once every plate is fitted
SHARED_CODES = ("same_file", "low_signal")
#: the code of a reading that a person left out
EXCLUDED_CODE = "excluded"
#: up to so many plates one page and one workbook hold all of them
FEW = 8
_HEADERS: Mapping[str, Sequence[str]] = {
    "wells": WELLS_COLUMNS,
    "samples": (*SAMPLES_COLUMNS, *SAMPLES_EXTRA_COLUMNS),
    "standards": STANDARDS_COLUMNS,
    "curves": CURVES_COLUMNS,
    "flags": FLAG_COLUMNS,
}


@dataclass(frozen=True, slots=True)
class Part:
    """What some plates add to the folder, as bytes: small enough to come from another machine.

    Parameters
    ----------
    rows : mapping of str to bytes
        By table: lines of CSV.
    plates : tuple of (PlateLine, bytes)
        The line of each plate, and its page.
    summary : pandas.DataFrame
        Rows of :attr:`cytokit.platefit.PlateFit.summary`.
    facts : tuple of dict
        What the manifest says of each plate's run.
    inputs : tuple of dict
        The files it names.
    """

    rows: Mapping[str, bytes]
    plates: tuple[tuple[PlateLine, bytes], ...]
    summary: pd.DataFrame
    facts: tuple[dict[str, Any], ...]
    inputs: tuple[dict[str, str], ...]


def make_part(fit: PlateFit, own: Sequence[Finding], first: int, *, pages: bool) -> Part:
    """The part of some plates, their pages in it.

    Parameters
    ----------
    fit : PlateFit
        Of these plates.
    own : sequence of Finding
        The rows of flags.csv: findings that concern one plate alone.
    first : int
        Number of the first of them among all plates, from 1.
    pages : bool
        Whether each plate gets a page of its own.

    Returns
    -------
    Part
    """
    made = tuple(plate_pages(fit, first, pages=pages))
    return replace(whole_part(fit, own), plates=made)


def whole_part(fit: PlateFit, own: Sequence[Finding]) -> Part:
    """The part of some plates without their pages; parameters as for :func:`make_part`."""
    frames = {
        "wells": fit.wells,
        "samples": fit.samples,
        "standards": fit.standards,
        "curves": fit.curves.table,
        "flags": findings_table(own),
    }
    return Part(
        {name: rows_bytes(frames[name]) for name in GROWING},
        (),
        fit.summary,
        tuple(run_facts(plate).as_dict() for plate in fit.plates),
        tuple(plate_inputs(fit)),
    )


def plate_pages(fit: PlateFit, first: int, *, pages: bool) -> Iterator[tuple[PlateLine, bytes]]:
    """Line and page of each plate; without `pages` the line alone, with an empty page.

    What concerns several plates is known only at the end, and stands on the page of them all.
    """
    marked = findings_table(one for one in fit.findings if one.code not in SHARED_CODES)
    tables = replace(shown(fit), flags=marked)
    for number, one in enumerate(tables.each(), start=first):
        name = page_name(number, one.plates[0].name) if pages else ""
        page = ""
        if pages:
            pooled = fit.plates if fit.options.pool else ()
            page = shown_page(one, fit.options, overview="../report.html", pooled=pooled)
        yield plate_line(one, name), page.encode()


def plate_inputs(fit: PlateFit) -> Iterator[dict[str, str]]:
    """The files of the plates, as the manifest describes inputs."""
    for plate in fit.plates:
        for source, role in [(plate.source, "plate"), *((c, c.format) for c in plate.companions)]:
            yield describe_input(
                source.path, source.sha256, role, source.format, source.asked_decimal
            )


class PartsFolder:
    """The growing tables and the pages of a folder; parts are added in the order of the plates.

    Parameters
    ----------
    folder : pathlib.Path
        Empty.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lines: list[PlateLine] = []
        self.summaries: list[pd.DataFrame] = []
        self.facts: list[dict[str, Any]] = []
        self.inputs: list[dict[str, str]] = []
        self.counts = dict.fromkeys(GROWING, 0)
        self._files: dict[str, IO[bytes]] = {}
        for name in GROWING:
            path = self.folder / f"{name}.csv"
            write_table(pd.DataFrame(columns=list(_HEADERS[name])), path)
            self._files[name] = path.open("ab")

    def __enter__(self) -> PartsFolder:
        return self

    def __exit__(self, *_: object) -> None:
        for file in self._files.values():
            file.close()

    def add(self, part: Part) -> None:
        """Append the part's rows and write its pages."""
        for name, rows in part.rows.items():
            self._append(name, rows)
        for line, page in part.plates:
            self.add_plate(line, page)
        self.summaries.append(part.summary)
        self.facts += part.facts
        self.inputs += part.inputs

    def add_plate(self, line: PlateLine, page: bytes) -> None:
        """Note the line of a plate and write its page, where it has one."""
        self.lines.append(line)
        if line.page:
            (self.folder / PAGES).mkdir(exist_ok=True)
            (self.folder / line.page).write_bytes(page)

    def add_shared(self, findings: Sequence[Finding]) -> pd.DataFrame:
        """Append the findings that concern several plates, and close the tables."""
        table = findings_table(findings)
        self._append("flags", rows_bytes(table))
        for file in self._files.values():
            file.close()
        return table

    @property
    def summary(self) -> pd.DataFrame:
        """One row per plate and analyte."""
        return pd.concat(self.summaries, ignore_index=True)

    def _append(self, name: str, rows: bytes) -> None:
        self._files[name].write(rows)
        self.counts[name] += rows.count(b"\n")
