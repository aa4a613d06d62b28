"""One chunk of plates: fitted, quantified and judged together, wherever an executor runs it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from cytokit.curves.fit import CurveSet, StandardCurve, fit_curves
from cytokit.curves.options import FitOptions
from cytokit.curves.signals import SignalLevels, signal_findings, signal_levels
from cytokit.exclusions import excluded_rows
from cytokit.findings import Finding
from cytokit.fit_findings import curve_findings, exclusion_findings, flagged
from cytokit.parsers import twin_findings
from cytokit.plate import Plate, SourceInfo
from cytokit.quality import plate_quality
from cytokit.quantify import Quantified, quantify


@dataclass(frozen=True)
class Chunk:
    """Results of some plates, small enough to be sent back from another process.

    Parameters
    ----------
    curves : list of StandardCurve
    wells, samples : pandas.DataFrame
    findings : tuple of Finding
        Plate by plate; without what concerns several plates or the exclusions.
    signals : tuple of SignalLevels
        What the plates are compared by, once all are fitted.
    """

    curves: list[StandardCurve]
    wells: pd.DataFrame
    samples: pd.DataFrame
    findings: tuple[Finding, ...]
    signals: tuple[SignalLevels, ...]


def fit_chunk(plates: Sequence[Plate], options: FitOptions, exclusions: pd.DataFrame) -> Chunk:
    """Curves, concentrations and findings of some plates that share one call of the solver.

    Parameters
    ----------
    plates : sequence of Plate
        With different names.
    options : FitOptions
    exclusions : pandas.DataFrame
        As :func:`cytokit.exclusions.checked_exclusions` gives it; rows for other plates are
        passed over.

    Returns
    -------
    Chunk
    """
    masks = [excluded_rows(plate, exclusions) for plate in plates]
    curves = fit_curves(plates, options, masks)
    results = [
        quantify(plate, curves, options, mask) for plate, mask in zip(plates, masks, strict=True)
    ]
    findings = [
        finding
        for plate, result in zip(plates, results, strict=True)
        for finding in _plate_findings(plate, result, curves, options)
    ]
    marking = [*findings, *exclusion_findings(exclusions)]
    wells = pd.concat([result.wells for result in results], ignore_index=True)
    samples = pd.concat([result.samples for result in results], ignore_index=True)
    return Chunk(
        list(curves.values()),
        flagged(wells, "well", marking),
        flagged(samples, "sample", marking),
        tuple(findings),
        tuple(signal_levels(plate) for plate in plates),
    )


def _plate_findings(
    plate: Plate, result: Quantified, curves: CurveSet, options: FitOptions
) -> Iterator[Finding]:
    """Everything to be said of one plate for itself."""
    for one in plate.findings:
        yield one if one.plate else replace(one, plate=plate.name)
    yield from result.findings
    for analyte in plate.analyte_names:
        yield from curve_findings(curves[plate.name, analyte])
    yield from plate_quality(plate, result.samples, options)


def shared_findings(
    sources: Sequence[tuple[str, SourceInfo]],
    signals: Sequence[SignalLevels],
    exclusions: pd.DataFrame,
) -> list[Finding]:
    """What concerns several plates, or was decided before: the last rows of flags.csv.

    Parameters
    ----------
    sources : sequence of (str, SourceInfo)
        Name and file of every plate.
    signals : sequence of SignalLevels
        Of every plate.
    exclusions : pandas.DataFrame

    Returns
    -------
    list of Finding
    """
    return [
        *twin_findings(sources),
        *exclusion_findings(exclusions),
        *signal_findings(signals),
    ]
