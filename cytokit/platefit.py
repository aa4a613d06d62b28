"""Plates in, concentrations out: ``fit`` and what it returns."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from cytokit.chunks import fit_chunk, shared_findings
from cytokit.curves.choices import chosen_options
from cytokit.curves.fit import CurveSet
from cytokit.curves.options import (
    FitOptions,
    LimitsName,
    ModelName,
    PriorName,
    ProfileName,
    WeightName,
)
from cytokit.errors import NothingToDoError, Problem, UsageError
from cytokit.exclusions import (
    checked_exclusions,
    match_exclusions,
    no_exclusions,
)
from cytokit.findings import Finding, findings_table
from cytokit.parsers import distinct_names, refuse_twins
from cytokit.plate import Plate
from cytokit.verdict import verdicts_table
from cytokit.vocabulary import RangeStatus, Verdict, WellType

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
        One row per reading, columns ``WELLS_COLUMNS``.
    samples : pandas.DataFrame
        One row per sample or control and analyte, columns ``SAMPLES_COLUMNS``, then
        ``SAMPLES_EXTRA_COLUMNS``.
    findings : tuple of Finding
    exclusions : pandas.DataFrame
        Columns ``EXCLUSION_COLUMNS``.
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
        """One row per plate, analyte and level, columns ``STANDARDS_COLUMNS``."""
        return self.curves.standards

    @property
    def flags(self) -> pd.DataFrame:
        """The findings as a table, columns ``FLAG_COLUMNS``."""
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
        from cytokit.record.write import write_fit

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
    model: ModelName | None = None,
    weights: WeightName | None = None,
    prior: PriorName | None = None,
    pool: bool | None = None,
    robust: bool | None = None,
    profile: ProfileName | None = None,
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
        Readings to leave out, columns ``EXCLUSION_COLUMNS``
        (:func:`cytokit.exclusions.read_exclusions` reads them from a file).
    executor : concurrent.futures.Executor, optional
        Carries chunks of plates; results do not depend on it. With `pool` all plates are one
        chunk.
    model, weights, prior, pool, robust, profile, limits, max_cv_pct, dilution_error_pct, unit
        See :class:`cytokit.curves.options.FitOptions`.

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
    >>> from cytokit.simulate import CYTOKINES, simulate_plate
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
    chosen = chosen_options(options or FitOptions(), given)
    listed = _listed(plates)
    sources = [(plate.name, plate.source) for plate in listed]
    if chosen.pool:
        refuse_twins(sources)
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
