"""Plates in, concentrations out: ``fit`` and what it returns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pandas as pd

from cytokit.curves.fit import CurveSet, StandardCurve, fit_curves
from cytokit.curves.quality import (
    SignalLevels,
    curve_findings,
    exclusion_findings,
    flagged,
    plate_quality,
    signal_findings,
    signal_levels,
)
from cytokit.curves.quantify import Quantified, quantify
from cytokit.errors import NothingToDoError, Problem, UsageError
from cytokit.flags import FLAGS, Finding, findings_table
from cytokit.options import (
    FitOptions,
    LimitsName,
    PriorName,
    WeightName,
)
from cytokit.parsers.read import distinct_names, refuse_same_files, same_file_findings
from cytokit.plate import Plate, SourceInfo
from cytokit.schema import VERDICTS_COLUMNS, PlateVerdict, RangeStatus, Severity, Verdict, WellType
from cytokit.tables.exclusions import (
    checked_exclusions,
    excluded_rows,
    match_exclusions,
    no_exclusions,
)

# One chunk of plates: fitted, quantified and judged together, wherever an executor runs it.


@dataclass(frozen=True)
class Chunk:
    """Results of some plates, small enough to be sent back from another process."""

    curves: list[StandardCurve]
    wells: pd.DataFrame
    samples: pd.DataFrame
    findings: tuple[Finding, ...]
    signals: tuple[SignalLevels, ...]


def fit_chunk(plates: Sequence[Plate], options: FitOptions, exclusions: pd.DataFrame) -> Chunk:
    """Curves, concentrations and findings of some plates that share one call of the solver."""
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
    """What concerns several plates, or was decided before: the last rows of flags.csv."""
    return [
        *same_file_findings(sources),
        *exclusion_findings(exclusions),
        *signal_findings(signals),
    ]


# The verdict of a plate: one function, from the tables that stand in its folder.


_NAMED = 4
#: how the sentence begins
LEADS: Mapping[PlateVerdict, str] = MappingProxyType(
    {
        PlateVerdict.REPORT: "This plate can be reported",
        PlateVerdict.LOOK: "Look at this plate before you report it",
        PlateVerdict.HOLD: "Hold this plate until its failures are settled",
        PlateVerdict.FAILED: "Nothing of this plate can be reported",
    }
)
_CURVES_ALONE = ("curve_failed", "curve_poor")


@dataclass(frozen=True, slots=True)
class PlateJudgement:
    """What to think of a plate."""

    verdict: PlateVerdict
    reasons: tuple[str, ...]
    sentence: str


def judge_plate(curves: pd.DataFrame, samples: pd.DataFrame, flags: pd.DataFrame) -> PlateJudgement:
    """Judge one plate by its curves, its findings and its results.

    ``failed``: no curve could be used. ``hold``: a curve or a control failed, or any finding of
    severity ``fail`` stands. ``look``: a warning other than the spread of replicates alone, a poor
    curve, a sample without a reading, or an unknown unit. ``report``: none of these.
    """
    counts = {str(kind): int((curves["verdict"] == str(kind)).sum()) for kind in Verdict}
    unknown = samples[samples["well_type"] == str(WellType.UNKNOWN)]
    holding, looking = _findings(flags)
    n_unread = int((unknown["status"] == str(RangeStatus.NOT_MEASURED)).sum())
    no_unit = samples.loc[samples["unit"].fillna("") == "", "analyte"].nunique()
    looks = [
        *looking,
        *([f"no reading for {n_unread} sample results"] if n_unread else []),
        *([f"unit not stated for {no_unit} analytes"] if no_unit else []),
    ]
    if counts["failed"] == len(curves):
        verdict, reasons = PlateVerdict.FAILED, [*_why_failed(curves), *holding]
    elif holding or counts["failed"]:
        verdict, reasons = PlateVerdict.HOLD, [*holding, *looks]
    elif looks or counts["poor"]:
        verdict, reasons = PlateVerdict.LOOK, looks
    else:
        verdict, reasons = PlateVerdict.REPORT, []
    parts = [_curves_part(curves), *([_range_part(unknown)] if len(unknown) else [])]
    if reasons:
        begin = "to look at" if verdict is PlateVerdict.LOOK else "to be settled"
        parts.append(f"{begin}: {few(reasons)}")
    return PlateJudgement(verdict, tuple(reasons), f"{LEADS[verdict]}: {'; '.join(parts)}.")


def verdicts_table(
    curves: pd.DataFrame, samples: pd.DataFrame, flags: pd.DataFrame, plates: Sequence[str]
) -> pd.DataFrame:
    """The verdict of each of several plates."""
    rows = []
    named = flags["plate"].fillna("")
    for plate in plates:
        judged = judge_plate(
            curves[curves["plate"] == plate],
            samples[samples["plate"] == plate],
            flags[(named == plate) | (named == "")],
        )
        rows.append((plate, str(judged.verdict), judged.sentence))
    return pd.DataFrame(rows, columns=list(VERDICTS_COLUMNS), dtype="str")


def worst(verdicts: Sequence[PlateVerdict]) -> PlateVerdict:
    """The worst of several verdicts; ``report`` of none."""
    return max(verdicts, key=list(PlateVerdict).index, default=PlateVerdict.REPORT)


def of_findings(flags: pd.DataFrame) -> PlateVerdict:
    """The best verdict that findings leave a plate."""
    holding, looking = _findings(flags)
    if holding:
        return PlateVerdict.HOLD
    return PlateVerdict.LOOK if looking else PlateVerdict.REPORT


def few(found: Sequence[str], most: int = _NAMED) -> str:
    """A few names and how many more there are."""
    shown = ", ".join(found[:most])
    return f"{shown} and {len(found) - most} more" if len(found) > most else shown


def _findings(flags: pd.DataFrame) -> tuple[list[str], list[str]]:
    """What holds the plate and what wants a look, each title with its count."""
    code, severity = flags["code"].astype(str), flags["severity"].astype(str)
    fails, warns = severity == str(Severity.FAIL), severity == str(Severity.WARN)
    held = np.array([FLAGS[one].holds_plate for one in code], dtype=bool)
    looked = np.array([FLAGS[one].needs_look for one in code], dtype=bool)
    curve = code.isin(_CURVES_ALONE)
    return (
        _titles(code[(fails | (warns & held)) & ~curve]),
        _titles(code[warns & ~held & looked & ~curve]),
    )


def _titles(codes: pd.Series) -> list[str]:
    """Each title once, the most frequent first."""
    return [f"{FLAGS[str(code)].title} ({n})" for code, n in codes.value_counts().items()]


def _why_failed(curves: pd.DataFrame) -> list[str]:
    """The reasons of curves that all failed, each once."""
    if curves.empty:
        return []
    return list(dict.fromkeys(str(reason) for reason in curves["reason"] if reason))


def _range_part(unknown: pd.DataFrame) -> str:
    """How many results of samples are in range, below and above."""
    sides = {
        "below": (RangeStatus.BELOW_LLOQ, RangeStatus.OOR_LOW),
        "above": (RangeStatus.ABOVE_ULOQ, RangeStatus.OOR_HIGH),
        "without a result": (
            RangeStatus.NO_CURVE,
            RangeStatus.NOT_MEASURED,
            RangeStatus.EXCLUDED,
        ),
    }
    counts = {
        side: int(unknown["status"].isin(list(map(str, of))).sum()) for side, of in sides.items()
    }
    n_in_range = int((unknown["status"] == str(RangeStatus.IN_RANGE)).sum())
    rest = ", ".join(f"{count} {side}" for side, count in counts.items() if count)
    return (
        f"{n_in_range} of {len(unknown)} sample results are in range{f' ({rest})' if rest else ''}"
    )


def _curves_part(curves: pd.DataFrame) -> str:
    """How many curves can be used, and which cannot."""
    if curves.empty:
        return "no standard curve was fitted"
    good = curves["verdict"].isin([str(Verdict.GOOD), str(Verdict.USABLE)])
    text = f"{int(good.sum())} of {len(curves)} curves are good or usable"
    for verdict in (Verdict.POOR, Verdict.FAILED):
        bad = [str(name) for name in curves.loc[curves["verdict"] == str(verdict), "analyte"]]
        if bad:
            text += f", {len(bad)} {verdict} ({few(bad)})"
    return text


#: plates that share one call of the solver (and one task of an executor); fixed, so that no
#: number depends on how the work is spread
PLATES_PER_CHUNK = 8


@dataclass(frozen=True, eq=False)
class PlateFit:
    """What :func:`fit` returns.

    Parameters
    ----------
    plates : tuple of Plate
    options : FitOptions
    curves : CurveSet
    wells : pandas.DataFrame
        One row per reading, columns of wells.csv.
    samples : pandas.DataFrame
        One row per sample or control and analyte, columns of samples.csv.
    findings : tuple of Finding
    exclusions : pandas.DataFrame
        Columns of exclusions.csv.
    """

    plates: tuple[Plate, ...]
    options: FitOptions
    curves: CurveSet
    wells: pd.DataFrame
    samples: pd.DataFrame
    findings: tuple[Finding, ...]
    exclusions: pd.DataFrame

    @property
    def concentrations(self) -> pd.DataFrame:
        """The samples' concentrations: another name of `samples`."""
        return self.samples

    @property
    def standards(self) -> pd.DataFrame:
        """One row per plate, analyte and level, columns of standards.csv."""
        return self.curves.standards

    @property
    def flags(self) -> pd.DataFrame:
        """The findings as a table, columns of flags.csv."""
        return findings_table(self.findings)

    @property
    def summary(self) -> pd.DataFrame:
        """One row per plate and analyte: verdict, limits that decide, samples in range."""
        unknown = self.samples[self.samples["well_type"] == str(WellType.UNKNOWN)]
        inside = unknown["status"] == str(RangeStatus.IN_RANGE)
        counts = inside.groupby([unknown["plate"], unknown["analyte"]]).agg(["sum", "size"])
        found = counts.to_dict("index")
        rows = []
        for (plate, analyte), curve in self.curves.items():
            count = found.get((plate, analyte), {"sum": 0, "size": 0})
            lloq, uloq = curve.range
            rows.append(
                {
                    "plate": plate,
                    "analyte": analyte,
                    "verdict": str(curve.verdict),
                    "lloq": lloq,
                    "uloq": uloq,
                    "unit": curve.unit,
                    "n_in_range": int(count["sum"]),
                    "n_samples": int(count["size"]),
                    "reason": curve.reason,
                }
            )
        return pd.DataFrame(rows)

    @property
    def verdicts(self) -> pd.DataFrame:
        """One row per plate, columns ``VERDICTS_COLUMNS``: the verdict, and why."""
        names = [plate.name for plate in self.plates]
        return verdicts_table(self.curves.table, self.samples, self.flags, names)

    def write(self, folder: str | Path, *, force: bool = False) -> None:
        """Write the folder that `cytokit fit` writes: tables, workbook, page, manifest.

        Parameters
        ----------
        folder : path-like
        force : bool
            Replace the files of an earlier run.

        Raises
        ------
        UsageError
            CK-501, CK-502: the folder is not empty, or is a file.
        OutputError
            CK-503: the disk refuses.
        """
        from cytokit.results.write import write_fit

        write_fit(self, folder, force=force)

    def __repr__(self) -> str:
        verdicts = [curve.verdict for curve in self.curves.values()]
        words = ", ".join(
            f"{verdicts.count(kind)} {kind}" for kind in Verdict if verdicts.count(kind)
        )
        return (
            f"<PlateFit: {len(self.plates)} plate(s), {len(self.curves)} curves ({words}), "
            f"{len(self.samples)} results, {len(self.findings)} findings>"
        )

    def _repr_html_(self) -> str:
        from html import escape

        table = self.summary.to_html(index=False, float_format=lambda value: f"{value:.4g}")
        return f"<p>{escape(repr(self)[1:-1])}</p>{table}"


def fit(
    plates: Plate | Iterable[Plate],
    options: FitOptions | None = None,
    *,
    exclusions: pd.DataFrame | None = None,
    executor: Executor | None = None,
    model: str | None = None,
    weights: WeightName | None = None,
    prior: PriorName | None = None,
    pool: bool | None = None,
    robust: bool | None = None,
    profile: str | None = None,
    limits: LimitsName | None = None,
    max_cv_pct: float | None = None,
    dilution_error_pct: float | None = None,
    unit: str | None = None,
) -> PlateFit:
    """Fit the standard curves of plates and read every concentration off them.

    Parameters
    ----------
    plates : Plate or iterable of Plate
        Plates of the same name get their file's stem appended.
    options : FitOptions, optional
        The defaults where not given; single options may be given by keyword and then count.
    exclusions : pandas.DataFrame, optional
        Readings to leave out, columns of exclusions.csv
        (:func:`cytokit.tables.exclusions.read_exclusions` reads them from a file).
    executor : concurrent.futures.Executor, optional
        Carries chunks of plates; results do not depend on it. With `pool` all plates are one
        chunk.
    model, weights, prior, pool, robust, profile, limits, max_cv_pct, dilution_error_pct, unit
        See :class:`cytokit.options.FitOptions`.

    Returns
    -------
    PlateFit
        Curves that cannot be fitted are entries with verdict ``failed``; their wells have status
        ``no_curve``.

    Raises
    ------
    NothingToDoError
        CK-340: there is no plate.
    UsageError
        CK-341: what is given is no Plate; CK-342: an option has a value that is no choice; CK-590:
        a file is given twice with `pool`.
    InputError
        CK-331 to CK-335: the exclusions make no sense, or match nothing.

    Notes
    -----
    Without `pool` the numbers of a plate depend on that plate alone.

    Examples
    --------
    >>> import numpy as np
    >>> from cytokit.simulate.trials import CYTOKINES, simulate_plate
    >>> truth = {"S1": np.full(6, 200.0)}
    >>> plate = simulate_plate(CYTOKINES, truth, rng=np.random.default_rng(1), name="P1")
    >>> result = fit(plate)
    >>> result.samples.query("sample == 'S1'")["status"].unique().tolist()
    ['in_range']
    """
    given = {
        "model": model,
        "weights": weights,
        "prior": prior,
        "pool": pool,
        "robust": robust,
        "profile": profile,
        "limits": limits,
        "max_cv_pct": max_cv_pct,
        "dilution_error_pct": dilution_error_pct,
        "unit": unit,
    }
    chosen = FitOptions.of(options, given)
    listed = _listed(plates)
    sources = [(plate.name, plate.source) for plate in listed]
    if chosen.pool:
        refuse_same_files(sources)
    table = no_exclusions() if exclusions is None else checked_exclusions(exclusions)
    match_exclusions(listed, table)
    size = len(listed) if chosen.pool else PLATES_PER_CHUNK
    parts = [listed[start : start + size] for start in range(0, len(listed), size)]
    mapper = map if executor is None else executor.map
    done = list(mapper(fit_chunk, parts, [chosen] * len(parts), [table] * len(parts)))
    findings = (
        *(finding for chunk in done for finding in chunk.findings),
        *shared_findings(sources, [one for chunk in done for one in chunk.signals], table),
    )
    return PlateFit(
        tuple(listed),
        chosen,
        CurveSet([curve for chunk in done for curve in chunk.curves]),
        pd.concat([chunk.wells for chunk in done], ignore_index=True),
        pd.concat([chunk.samples for chunk in done], ignore_index=True),
        findings,
        table,
    )


def _listed(plates: Plate | Iterable[Plate]) -> list[Plate]:
    """Plates as a list with distinct names."""
    listed = [plates] if isinstance(plates, Plate) else list(plates)
    if not listed:
        mend = "give at least one plate, as read_plate returns it"
        raise NothingToDoError(Problem("CK-340", "there is no plate to fit", mend=mend))
    strangers = [one for one in listed if not isinstance(one, Plate)]
    if strangers:
        mend = "read files with cytokit.read_plate or read_plates first"
        raise UsageError(
            *(Problem("CK-341", f"{one!r:.80} is no Plate", mend=mend) for one in strangers)
        )
    return distinct_names(listed)
