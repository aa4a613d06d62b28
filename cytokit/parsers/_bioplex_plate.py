"""From the records of a Bio-Plex export to a :class:`~cytokit.plate.Plate`.

Where the export prints only a mean of replicates (``A1,A2`` in Well), the reading is one row under
the first well, with ``wells`` and ``n_replicates`` beside it. Where it also prints a table of
single wells, those are the readings and the means are kept under ``statistics`` as
``Replicates: ...``.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from cytokit.errors import FormatError, Problem, place
from cytokit.findings import Finding
from cytokit.parsers._bioplex import column_key, plate_name, read_label
from cytokit.parsers._bioplex_curve import disagreement, read_curve
from cytokit.parsers._bioplex_rows import (
    NUMBERS,
    Builder,
    Contents,
    Record,
    SampleNames,
    analyte_names,
    sample_names,
)
from cytokit.parsers._source import RawFile
from cytokit.plate import Plate, SourceInfo, Unread, VendorCurve, make_wells
from cytokit.sources.decimal_mark import decide_decimal
from cytokit.vocabulary import ANALYTE_COLUMNS, WellType


def assemble(raw: RawFile, family: str, contents: Contents) -> Plate:
    """The plate of one export.

    Raises
    ------
    FormatError
        What was collected in ``contents.problems``; CK-141 if no reading was found.
    """
    if not contents.records and not contents.problems:
        mend = "export the plate again; the file may be cut off"
        contents.problems.append(
            Problem("CK-141", "the tables hold no readings", place(raw.path), mend)
        )
    if contents.problems:
        raise FormatError(*contents.problems)
    name = plate_name(contents.header, raw)
    numbers = [c for r in contents.records for t, c in r.cells.items() if column_key(t) in NUMBERS]
    decimal = decide_decimal(numbers, asked=raw.asked_decimal, file=raw.path)
    names = analyte_names([r.analyte for r in (*contents.records, *contents.means)])
    chosen, means = _single_wells(contents.records)
    samples = sample_names([*contents.records, *contents.means])
    builder = Builder(name, decimal, names, samples)
    rows = [builder.row(record) for record in chosen]
    statistics = builder.statistics(chosen, "") | builder.statistics(
        [*means, *contents.means], "Replicates: "
    )
    curves, curve_notes, unread = _curves(contents, names, raw)
    notes = [*_notes(rows, name), *_twins(samples, name), *curve_notes]
    return Plate(
        name=name,
        source=SourceInfo(raw.path, raw.sha256, family, raw.encoding, raw.delimiter, decimal),
        wells=make_wells(_with_honest_expected(rows)),
        analytes=_analytes(names, contents.units),
        header=contents.header,
        statistics=statistics,
        vendor_curves=curves,
        findings=(
            *contents.findings,
            *builder.damaged,
            *(replace(finding, plate=name) for finding in samples.findings),
            *notes,
        ),
        unread=(*contents.unread, *unread),
    )


def matching_curves(plate: Plate) -> Plate:
    """The plate without the curves that do not give back its printed concentrations.

    For exports that print curves without saying whose they are: a curve given to the wrong analyte
    is off by far more than the 5 % that rounding of the printed intensities may cost.
    """
    kept = {}
    unread = list(plate.unread)
    for analyte, curve in plate.vendor_curves.items():
        rows = plate.wells[plate.wells["analyte"] == analyte]
        printed = rows["vendor_concentration"] / rows["dilution_factor"]
        off = disagreement(curve, list(zip(rows["net_mfi"], printed, strict=True)))
        if off > 0.05:
            reason = f"it differs from the printed concentrations by {off:.0%}: of another analyte?"
            unread.append(Unread(f"curve of {analyte}", plate.source.path, reason))
        else:
            kept[analyte] = curve
    return replace(plate, vendor_curves=kept, unread=tuple(unread))


def _analytes(names: Mapping[str, tuple[str, str]], units: Mapping[str, str]) -> pd.DataFrame:
    rows = [(name, bead, units.get(whole, ""), math.nan) for whole, (name, bead) in names.items()]
    frame = pd.DataFrame(rows, columns=list(ANALYTE_COLUMNS))
    return frame.astype({"analyte": "str", "bead_id": "str", "unit": "str", "min_beads": "float64"})


def _single_wells(records: list[Record]) -> tuple[list[Record], list[Record]]:
    """The readings, and the means that stand beside a table of their single wells."""
    tables: dict[tuple[str, int], list[Record]] = defaultdict(list)
    for record in records:
        tables[record.analyte, record.table].append(record)
    means: set[tuple[str, int]] = set()
    for key, table in tables.items():
        wells = {(r.label, well) for r in table for well in r.wells}
        several = any(len(record.wells) > 1 for record in table)
        for other, singles in tables.items():
            if other[0] != key[0] or other == key or other in means:
                continue
            single = all(len(record.wells) == 1 for record in singles)
            covered = wells <= {(record.label, record.wells[0]) for record in singles}
            if single and covered and several:
                means.add(key)
    chosen = [record for record in records if (record.analyte, record.table) not in means]
    return chosen, [record for record in records if (record.analyte, record.table) in means]


def _with_honest_expected(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Standards of an analyte that are all 0 say nothing: the software prints 0 for no entry."""
    known = _analytes_with_levels(rows)
    standard = str(WellType.STANDARD)
    return [
        {**row, "expected": math.nan}
        if row["well_type"] == standard and (row["analyte"], row["external"]) not in known
        else row
        for row in rows
    ]


def _analytes_with_levels(rows: list[dict[str, Any]]) -> set[tuple[str, bool]]:
    """(analyte, external) of standards of which one at least has a level."""
    standard = str(WellType.STANDARD)
    return {
        (row["analyte"], row["external"])
        for row in rows
        if row["well_type"] == standard and row["expected"] > 0
    }


def _notes(rows: list[dict[str, Any]], plate: str) -> Iterator[Finding]:
    """What the rows show about the plate as a whole."""
    several = sorted({row["n_replicates"] for row in rows if row["n_replicates"] > 1})
    if several:
        sizes = " or ".join(map(str, several))
        message = f"readings are means of {sizes} wells; each stands under the first of its wells"
        yield Finding("replicate_means", message, plate=plate)
    external = list(dict.fromkeys(row["label"] for row in rows if row["external"]))
    if external:
        message = f"{', '.join(external)} and their wells belong to another plate"
        yield Finding("external_standards", message, plate=plate)
    strangers = list(dict.fromkeys(r["label"] for r in rows if not read_label(r["label"]).known))
    for label in strangers:
        message = f"type code {label!r} is none of B, S, eS, C, X; the well counts as unknown"
        yield Finding("unknown_type", message, plate=plate, sample=label)
    known = _analytes_with_levels(rows)
    standards = [r for r in rows if r["well_type"] == str(WellType.STANDARD) and not r["external"]]
    bare = list(
        dict.fromkeys(r["analyte"] for r in standards if (r["analyte"], False) not in known)
    )
    if bare:
        message = f"the standards of {some(bare)} have no expected concentration above 0"
        yield Finding("no_expected", message, plate=plate)
    if all(math.isnan(row["mfi"]) for row in rows):
        yield Finding("missing_value", "the export holds no intensities at all", plate=plate)
    yield from _repeats(rows, plate)
    yield from _gaps(rows, plate)


def _repeats(rows: list[dict[str, Any]], plate: str) -> Iterator[Finding]:
    """Wells of this plate that were read more than once for an analyte."""
    seen: dict[tuple[str, str], int] = defaultdict(int)
    for row in rows:
        if not row["external"]:
            seen[row["well"], row["analyte"]] += 1
    wells = dict.fromkeys(well for (well, _), count in seen.items() if count > 1)
    for well in wells:
        most = max(count for (name, _), count in seen.items() if name == well)
        yield Finding("repeated_well", f"{most} readings of one well", plate=plate, well=well)


def _gaps(rows: list[dict[str, Any]], plate: str) -> Iterator[Finding]:
    """Analytes that lack wells which others have: the file may be cut off or edited."""
    wells: dict[str, dict[str, None]] = defaultdict(dict)
    for row in rows:
        wells[row["analyte"]][f"{row['label']} ({row['wells']})"] = None
    every = dict.fromkeys(well for those in wells.values() for well in those)
    for analyte, those in wells.items():
        lacking = [well for well in every if well not in those]
        if lacking:
            message = f"{len(lacking)} of {len(every)} rows of other analytes are not there: "
            yield Finding("missing_value", message + some(lacking), plate=plate, analyte=analyte)


def _twins(samples: SampleNames, plate: str) -> Iterator[Finding]:
    """Descriptions that several type codes share: kept apart by their codes."""
    for text, codes in samples.shared.items():
        message = f"{some(codes)} are all called {text!r}; they are kept apart by their codes"
        yield Finding("repeated_sample", message, plate=plate, sample=text)


def some(names: Sequence[str]) -> str:
    """The first few of many names."""
    shown = ", ".join(names[:6])
    return f"{shown} and {len(names) - 6} more" if len(names) > 6 else shown


def _curves(
    contents: Contents, names: Mapping[str, tuple[str, str]], raw: RawFile
) -> tuple[dict[str, VendorCurve], list[Finding], list[Unread]]:
    """The printed curves by analyte; those that are none, with their reason."""
    curves: dict[str, VendorCurve] = {}
    notes: list[Finding] = []
    unread: list[Unread] = []
    for printed, lines in contents.curves.items():
        if printed not in names:
            unread.append(Unread(f"curve of {printed}", place(raw.path), "it has no readings"))
            continue
        analyte = names[printed][0]
        curve = read_curve(lines)
        if curve is not None:
            curves[analyte] = curve
        elif lines.equation:
            reason = f"no 4PL or 5PL equation: {lines.regression}: {lines.equation}"
            unread.append(Unread(f"curve of {analyte}", place(raw.path), reason))
        notes += [Finding("no_vendor_curve", why, analyte=analyte) for why in lines.failures]
    return curves, notes, unread
