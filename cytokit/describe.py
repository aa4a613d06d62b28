"""What a plate holds, before any fit: the facts `cytokit inspect` shows."""

from __future__ import annotations

from typing import Any

from cytokit.curves.forensics import standard_findings
from cytokit.findings import findings_table
from cytokit.plate import PLATE_SHAPES, Plate, replicates, well_position
from cytokit.quality import nameless_findings, repeated_sample_findings
from cytokit.vocabulary import VendorStatus, WellType

#: one letter per well type on the plate map; a dot is a well the export does not hold
MAP_LETTERS = {
    str(WellType.STANDARD): "S",
    str(WellType.BLANK): "B",
    str(WellType.CONTROL): "C",
    str(WellType.UNKNOWN): "x",
}


def describe(plate: Plate) -> dict[str, Any]:
    """Facts about a plate as plain values.

    Parameters
    ----------
    plate : Plate

    Returns
    -------
    dict
        plate, format, source, size, analytes (name, bead, unit), wells by type, missing wells,
        standards (level -> expected per analyte), controls, samples, vendor values and curves,
        unread parts, findings (of the file, the standards, the samples' names).

    Examples
    --------
    >>> from cytokit.simulate import simulate_trial
    >>> facts = describe(simulate_trial(seed=1, subjects=8).plates[0])
    >>> facts["wells"]
    {'standard': 16, 'blank': 2, 'control': 4, 'unknown': 26}
    """
    wells = plate.wells
    once = wells.drop_duplicates("well")
    counts = once["well_type"].value_counts()
    given = wells["vendor_status"] != str(VendorStatus.NOT_GIVEN)
    unknown = (wells["well_type"] == str(WellType.UNKNOWN)).to_numpy()
    found = (*standard_findings(plate), *nameless_findings(plate), *repeated_sample_findings(plate))
    findings = findings_table([*plate.findings, *found])
    return {
        "plate": plate.name,
        "format": plate.source.format,
        "source": plate.source.path,
        "encoding": plate.source.encoding,
        "size": plate.size,
        "analytes": plate.analytes[["analyte", "bead_id", "unit"]].to_dict("records"),
        "wells": {str(kind): int(counts.get(str(kind), 0)) for kind in WellType},
        "missing_wells": missing_wells(plate),
        "standards": _expected(plate, WellType.STANDARD),
        "controls": _expected(plate, WellType.CONTROL),
        "samples": list(dict.fromkeys(replicates(wells).name[unknown])),
        "vendor_values": int((given & wells["vendor_concentration"].notna()).sum()),
        "vendor_statuses": wells.loc[given, "vendor_status"].value_counts().sort_index().to_dict(),
        "vendor_curves": {name: curve.regression for name, curve in plate.vendor_curves.items()},
        "unread": [
            {"name": part.name, "where": part.where, "reason": part.reason} for part in plate.unread
        ],
        "findings": findings.to_dict("records"),
    }


def missing_wells(plate: Plate) -> list[str]:
    """Wells of the plate that the export does not hold, row by row."""
    rows, columns = PLATE_SHAPES[plate.size]
    held = set(plate.wells["well"])
    everything = [f"{chr(ord('A') + r)}{c + 1}" for r in range(rows) for c in range(columns)]
    return [well for well in everything if well not in held]


def plate_map(plate: Plate) -> list[str]:
    """The plate as lines of text: S standard, B blank, C control, x unknown, dot missing.

    Examples
    --------
    >>> from cytokit.simulate import simulate_trial
    >>> plate_map(simulate_trial(seed=1, subjects=8).plates[0])[1]
    'A  B  S  S  x  x  x  .  .  .  .  .  .'
    """
    rows, columns = PLATE_SHAPES[plate.size]
    grid = [["."] * columns for _ in range(rows)]
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
