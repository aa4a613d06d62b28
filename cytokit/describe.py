"""What a plate holds, before any fit: the facts `cytokit inspect` shows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from cytokit.curves.quality import nameless_findings, repeated_sample_findings, standard_findings
from cytokit.flags import FLAGS, findings_table
from cytokit.plate import PLATE_SHAPES, Plate, replicates, well_position
from cytokit.runs import instrument_model, run_facts
from cytokit.schema import Severity, VendorStatus, WellType

#: one letter per well type on the plate map; a dot is a well the export does not hold
MAP_LETTERS = {
    str(WellType.STANDARD): "S",
    str(WellType.BLANK): "B",
    str(WellType.CONTROL): "C",
    str(WellType.UNKNOWN): "x",
}
_MISSING = "."
#: wells and names of a group of findings that are printed before the rest is counted
_SHOWN = 12


def describe(plate: Plate) -> dict[str, Any]:
    """Facts about a plate as plain values."""
    wells = plate.wells
    once = wells.drop_duplicates("well")
    counts = once["well_type"].value_counts()
    given = wells["vendor_status"] != str(VendorStatus.NOT_GIVEN)
    unknown = (wells["well_type"] == str(WellType.UNKNOWN)).to_numpy()
    found = (*standard_findings(plate), *nameless_findings(plate), *repeated_sample_findings(plate))
    findings = findings_table([*plate.findings, *found])
    run = run_facts(plate)
    return {
        "plate": plate.name,
        "format": plate.source.format,
        "source": plate.source.path,
        "encoding": plate.source.encoding,
        "size": plate.size,
        "run_date": run.date,
        "run_date_text": run.date_text,
        "instrument": instrument_model(plate),
        "serial_number": run.instrument,
        "lots": dict(run.lots),
        "analytes": plate.analytes[["analyte", "bead_id", "unit"]].to_dict("records"),
        "wells": {str(kind): int(counts.get(str(kind), 0)) for kind in WellType},
        "missing_wells": missing_wells(plate),
        "map_legend": map_legend(plate),
        "standards": _expected(plate, WellType.STANDARD),
        "controls": _expected(plate, WellType.CONTROL),
        "samples": list(dict.fromkeys(replicates(wells).name[unknown])),
        "sample_dilutions": _dilutions(wells.loc[unknown, "dilution_factor"]),
        "vendor_values": int((given & wells["vendor_concentration"].notna()).sum()),
        "vendor_statuses": wells.loc[given, "vendor_status"].value_counts().sort_index().to_dict(),
        "vendor_curves": {name: curve.regression for name, curve in plate.vendor_curves.items()},
        "unread": [
            {"name": part.name, "where": part.where, "reason": part.reason} for part in plate.unread
        ],
        "findings": findings.to_dict("records"),
        "finding_groups": finding_groups(findings),
    }


def _dilutions(factors: pd.Series[float]) -> list[float | None]:
    """The factors of the samples, ascending; None at the end where one is unclear."""
    known: list[float | None] = [*sorted(map(float, factors.dropna().unique()))]
    return [*known, None] if factors.isna().any() else known


def finding_groups(findings: pd.DataFrame) -> list[dict[str, Any]]:
    """Findings of one code together, worst first."""
    rank = {str(one): at for at, one in enumerate((Severity.FAIL, Severity.WARN, Severity.INFO))}
    groups = []
    for (code, severity), rows in findings.groupby(["code", "severity"], sort=False):
        named = {
            f"{name}s": [text for text in dict.fromkeys(rows[name]) if text]
            for name in ("well", "sample", "analyte", "message")
        }
        title = FLAGS[str(code)].title
        count = len(rows)
        groups.append({"code": code, "severity": severity, "title": title, "count": count} | named)
    return sorted(groups, key=lambda group: rank[str(group["severity"])])


def group_line(group: Mapping[str, Any]) -> str:
    """One group of findings as a line of text."""
    places: list[str] = next(
        (group[key] for key in ("wells", "samples", "analytes") if group[key]), []
    )
    where = ", ".join(places[:_SHOWN]) + (
        f" and {len(places) - _SHOWN} more" if places[_SHOWN:] else ""
    )
    said = group["messages"]
    words = "; ".join(said[:3]) + (f"; and {len(said) - 3} more" if said[3:] else "")
    times = f" ({group['count']})" if group["count"] > 1 else ""
    head = f"{group['severity']}: {group['code']}{times}: {group['title']}"
    return f"{head}; {f'{where}: ' if where else ''}{words}"


def map_legend(plate: Plate) -> dict[str, str]:
    """What the letters of the plate map mean: those that stand on it."""
    held = set(plate.wells["well_type"])
    legend = {letter: kind for kind, letter in MAP_LETTERS.items() if kind in held}
    return legend | ({_MISSING: "not in the export"} if missing_wells(plate) else {})


def missing_wells(plate: Plate) -> list[str]:
    """Wells of the plate that the export does not hold, row by row."""
    rows, columns = PLATE_SHAPES[plate.size]
    held = set(plate.wells["well"])
    everything = [f"{chr(ord('A') + r)}{c + 1}" for r in range(rows) for c in range(columns)]
    return [well for well in everything if well not in held]


def plate_map(plate: Plate) -> list[str]:
    """The plate as lines of text: S standard, B blank, C control, x unknown, dot missing."""
    rows, columns = PLATE_SHAPES[plate.size]
    grid = [[_MISSING] * columns for _ in range(rows)]
    for row in plate.wells.drop_duplicates("well").to_dict("records"):
        i, j = well_position(row["well"])
        grid[i][j] = MAP_LETTERS[row["well_type"]]
    head = "   " + " ".join(f"{column + 1:>2}" for column in range(columns))
    return [head, *(f"{chr(ord('A') + i)}  " + "  ".join(line) for i, line in enumerate(grid))]


def _expected(plate: Plate, kind: WellType) -> dict[str, dict[str, float]]:
    rows = plate.of_type(kind).drop_duplicates(["sample", "analyte"])
    table: dict[str, dict[str, float]] = {}
    for row in rows.to_dict("records"):
        table.setdefault(row["sample"], {})[row["analyte"]] = row["expected"]
    return table
