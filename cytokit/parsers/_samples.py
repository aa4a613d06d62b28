"""Sample names that may cover two samples: kept apart by well, and said aloud."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from cytokit.findings import Finding
from cytokit.plate import Plate
from cytokit.vocabulary import WellType

#: Only where most samples have the usual number of wells does another number mean something.
_USUAL_SHARE = 0.6


def note_repeated_samples(plate: Plate) -> Plate:
    """The plate with a finding for every unknown whose name may stand for two samples.

    A name is suspicious if its wells have different dilution factors, or if it stands in more
    wells than the other samples of the plate do.
    """
    one_analyte = plate.wells["analyte"].to_numpy(dtype=object) == plate.analyte_names[0]
    columns = ("well", "sample", "well_type", "dilution_factor")
    rows = zip(
        *(plate.wells[column].array[one_analyte].tolist() for column in columns), strict=True
    )
    wells: dict[str, list[str]] = {}
    factors: dict[str, set[float]] = {}
    seen: set[str] = set()
    for well, sample, well_type, factor in rows:
        if well_type == str(WellType.UNKNOWN) and well not in seen:
            seen.add(well)
            wells.setdefault(sample, []).append(well)
            factors.setdefault(sample, set()).add(factor)
    if not wells:
        return plate
    counts = Counter(len(places) for places in wells.values())
    usual, share = counts.most_common(1)[0]
    findings = []
    for sample, places in wells.items():
        where = f"stands in {len(places)} wells ({', '.join(places[:8])})"
        if len(factors[sample]) > 1:
            dilutions = ", ".join(f"{factor:g}" for factor in sorted(factors[sample]))
            message = f"{sample!r} {where} with the dilution factors {dilutions}"
        elif len(places) > usual and share >= _USUAL_SHARE * len(wells):
            message = f"{sample!r} {where}, most samples in {usual}: one sample or two?"
        else:
            continue
        findings.append(Finding("repeated_sample", message, plate.name, "", sample))
    return replace(plate, findings=(*plate.findings, *findings)) if findings else plate
