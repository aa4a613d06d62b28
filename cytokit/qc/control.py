"""quality_control: from fits to control charts, judged by a guide where there is one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from cytokit.arrays import Floats
from cytokit.curves.platefit import PlateFit
from cytokit.errors import InputError, NothingToDoError, Problem, UsageError
from cytokit.flags import FLAGS, Finding
from cytokit.qc.drift import ALPHA, drift_table, step_table
from cytokit.qc.guide import Guide, guide_bytes, make_guide, read_guide
from cytokit.qc.series import (
    CURVE_SERIES,
    ChartPlate,
    FitTables,
    chart_plates,
    find_fits,
    from_fit,
    read_fit,
    series_table,
)
from cytokit.qc.westgard import QcFinding, judge, with_limits
from cytokit.schema import TABLES

if TYPE_CHECKING:
    from matplotlib.figure import Figure


Source = PlateFit | str | Path


@dataclass(frozen=True, slots=True)
class QcInput:
    """A fit that was read: path and hash (empty for one in memory)."""

    path: str
    sha256: str


@dataclass(frozen=True, repr=False)
class QualityControl:
    """What :func:`quality_control` returns.

    Parameters
    ----------
    table : pandas.DataFrame
        One row per plate and series, columns of qc_series.csv.
    flags : pandas.DataFrame
        One row per finding, columns of qc_flags.csv.
    drift : pandas.DataFrame
        Trends over the judged plates, columns of qc_drift.csv.
    steps : pandas.DataFrame
        Ratios across changes of lot, columns of qc_steps.csv.
    plates : tuple of ChartPlate
        In the order of their runs.
    guide : Guide or None
        By what plates were judged; without it none was.
    date_order : str
        As given.
    inputs : tuple of QcInput
    """

    table: pd.DataFrame
    flags: pd.DataFrame
    drift: pd.DataFrame
    steps: pd.DataFrame
    plates: tuple[ChartPlate, ...]
    guide: Guide | None
    date_order: str
    inputs: tuple[QcInput, ...]
    _values: pd.DataFrame = field(compare=False)
    _noticed: tuple[Finding, ...] = field(compare=False)

    @property
    def judged(self) -> tuple[ChartPlate, ...]:
        """The plates that were judged: those that are no members of the guide."""
        if self.guide is None:
            return ()
        return tuple(plate for plate in self.plates if not self.guide.holds(plate))

    @property
    def own_guide(self) -> bool:
        """Whether the guide is what these very plates make, so that it can be made again."""
        if self.guide is None or self.judged:
            return False
        again = self.guide_set(who=self.guide.who, why=self.guide.why)
        return guide_bytes(again) == guide_bytes(self.guide)

    @property
    def ok(self) -> bool:
        """Whether no finding says ``fail``."""
        return not bool((self.flags["severity"] == "fail").any())

    def guide_set(self, *, who: str, why: str) -> Guide:
        """A guide of all plates here, to be locked with :func:`cytokit.qc.guide.lock_guide`.

        Parameters
        ----------
        who, why : str
            Who decides that these plates are the guide, and on what grounds.

        Returns
        -------
        Guide

        Raises
        ------
        UsageError
            CK-567 where who or why is empty.
        """
        return make_guide(self._values, self.plates, who=who, why=why)

    def judged_by(self, guide: Guide) -> QualityControl:
        """The same plates judged by a guide.

        Parameters
        ----------
        guide : Guide

        Returns
        -------
        QualityControl

        Raises
        ------
        InputError
            CK-564, CK-568: the guide is in another unit, or has nothing in common with the plates.
        """
        return _judged(self, guide)

    def figures(self, *, all_charts: bool = False) -> tuple[Figure, ...]:
        """The Levey-Jennings charts: the controls first, then the rest by analyte.

        Parameters
        ----------
        all_charts : bool
            Chart the parameters of all curves, not only those that broke a rule, drift or step.

        Returns
        -------
        tuple of matplotlib.figure.Figure
        """
        from cytokit.figures.levey_jennings import levey_jennings_pages

        return levey_jennings_pages(self, all_charts=all_charts)

    def write(self, folder: str | Path, *, force: bool = False, all_charts: bool = False) -> None:
        """Write the folder that `cytokit qc` writes: tables, charts, manifest.

        Parameters
        ----------
        folder : path-like
        force : bool
            Replace the files of an earlier run.
        all_charts : bool
            As for :meth:`figures`.

        Raises
        ------
        UsageError
            CK-501, CK-502: the folder is not empty, or is a file.
        OutputError
            CK-503: the disk refuses.
        """
        from cytokit.results.write import write_qc

        write_qc(self, folder, force=force, all_charts=all_charts)

    def __repr__(self) -> str:
        fails = int((self.flags["severity"] == "fail").sum())
        said = "no guide, none judged"
        if self.guide is not None:
            kind = "provisional guide" if self.guide.provisional else "guide"
            said = f"{len(self.judged)} judged by a {kind} of {len(self.guide.plates)}"
            said += f", {fails} rejections"
        return f"<QualityControl: {len(self.plates)} plates, {said}>"

    def _repr_html_(self) -> str:
        from html import escape

        return f"<p>{escape(repr(self)[1:-1])}</p>{self.flags.to_html(index=False)}"


def quality_control(
    sources: Source | Iterable[Source],
    *,
    guide: Guide | str | Path | None = None,
    date_order: str = "",
) -> QualityControl:
    """Chart controls, blanks, standards and curves over plates, and judge them by a guide.

    Parameters
    ----------
    sources : PlateFit, path, or a sequence of these
        Fits, folders written by ``fit``, folders that hold such folders.
    guide : Guide or path, optional
        From :func:`cytokit.qc.guide.lock_guide`. Its own plates are shown and not judged; without a
        guide no plate is judged.
    date_order : {"", "mdy", "dmy"}
        Whether month or day comes first in dates that leave it open.

    Returns
    -------
    QualityControl

    Raises
    ------
    NothingToDoError
        CK-560: no fitted plate.
    InputError, UsageError
        CK-561 to CK-569: folders, guide or plates that make no sense.

    Notes
    -----
    Limits come from the guide alone: changing a plate that is judged changes no limit and no other
    plate's z. Westgard's rules run along the judged plates of one lot and never across a change.

    Examples
    --------
    >>> import numpy as np
    >>> from cytokit.curves.platefit import fit
    >>> from cytokit.simulate.trials import CYTOKINES, simulate_plate
    >>> plates = [
    ...     simulate_plate(CYTOKINES[:1], {}, rng=np.random.default_rng(i), name=f"P{i}")
    ...     for i in range(3)
    ... ]
    >>> quality_control(fit(plates))
    <QualityControl: 3 plates, no guide, none judged>
    """
    fits = _read(sources)
    plates, noticed = chart_plates(fits, date_order)
    values = series_table(fits, plates)
    bare = QualityControl(
        table=values,
        flags=pd.DataFrame(columns=TABLES["qc_flags"].names, dtype="str"),
        drift=pd.DataFrame(),
        steps=pd.DataFrame(),
        plates=plates,
        guide=None,
        date_order=date_order,
        inputs=tuple(QcInput(one.path, one.sha256) for one in fits),
        _values=values,
        _noticed=noticed,
    )
    chosen = guide if guide is None or isinstance(guide, Guide) else read_guide(guide)
    return _judged(bare, chosen)


def _read(sources: Source | Iterable[Source]) -> list[FitTables]:
    """Every fit, in the order given; all problems of the folders together."""
    given = [sources] if isinstance(sources, PlateFit | str | Path) else list(sources)
    strangers = [one for one in given if not isinstance(one, PlateFit | str | Path)]
    if strangers:
        mend = "give fits, or folders written by fit"
        raise UsageError(
            *(Problem("CK-571", f"{one!r:.80} is no fit", mend=mend) for one in strangers)
        )
    if not given:
        mend = "give fits, or folders written by `cytokit fit`"
        raise NothingToDoError(Problem("CK-560", "no fitted plates were given", mend=mend))
    fits: list[FitTables] = []
    errors: list[InputError] = []
    for source in given:
        if isinstance(source, PlateFit):
            fits.append(from_fit(source))
            continue
        try:
            fits += [read_fit(folder) for folder in find_fits([source])]
        except InputError as error:
            errors.append(error)
    if errors:
        raise InputError.together(errors)
    return fits


def _judged(result: QualityControl, guide: Guide | None) -> QualityControl:
    """Limits, rules, drift and steps, all anew."""
    plates = result.plates
    frame = with_limits(result._values, plates, guide)
    findings = [
        QcFinding(one.code, one.message, one.plate, severity=one.severity)
        for one in result._noticed
    ]
    if guide is not None:
        findings += [*_of_guide(guide), *_by_name(guide, plates)]
        frame, broken = judge(frame, plates, guide)
        findings += broken
    drift, drifting = drift_table(frame, plates)
    steps, stepping = step_table(frame, plates)
    flags = _flag_table([*findings, *drifting, *stepping], plates)
    return replace(result, table=frame, flags=flags, drift=drift, steps=steps, guide=guide)


def _of_guide(guide: Guide) -> list[QcFinding]:
    """What must be known of the guide itself."""
    said = []
    if guide.provisional:
        message = f"the guide has {len(guide.plates)} plates: limits are provisional until it has"
        said.append(QcFinding("qc_provisional", f"{message} ten"))
    lots = list(dict.fromkeys(str(sorted(plate["lots"].items())) for plate in guide.plates))
    if len(lots) > 1:
        message = f"the guide's {len(guide.plates)} plates are of {len(lots)} lots"
        said.append(QcFinding("qc_guide_lots", message))
    return said


def _by_name(guide: Guide, plates: Sequence[ChartPlate]) -> list[QcFinding]:
    """Members of whose export no hash is known: another plate may bear the name."""
    message = "taken for a plate of the guide, and not judged, by its name alone"
    return [
        QcFinding("qc_member_by_name", message, plate.name)
        for plate in plates
        if not plate.facts.sha256 and guide.holds(plate)
    ]


def _flag_table(findings: Sequence[QcFinding], plates: Sequence[ChartPlate]) -> pd.DataFrame:
    """Findings as rows, in the order in which they arose."""
    dates = {plate.name: plate.facts.date for plate in plates}
    rows = [
        {
            "plate": one.plate,
            "date": dates.get(one.plate, ""),
            "series": one.series,
            "level": one.level,
            "analyte": one.analyte,
            "code": one.code,
            "rule": one.rule,
            "z_values": ", ".join(f"{value:.2f}" for value in one.z),
            "severity": str(one.severity or FLAGS[one.code].severity),
            "message": one.message,
        }
        for one in findings
    ]
    return pd.DataFrame(rows, columns=TABLES["qc_flags"].names, dtype="str")


# What a chart of each series shows, and which series are worth one.


#: analyte, series, level
Key = tuple[str, str, str]
#: one value beyond 2 SD says little; it is marked, and no reason for a chart
WARNING = "1-2s"
_KEY = ("analyte", "series", "level")


@dataclass(frozen=True, eq=False)
class ChartSeries:
    """One series in the order of the runs."""

    key: Key
    unit: str
    x: Floats
    value: Floats
    z: Floats
    role: tuple[str, ...]
    rules: tuple[str, ...]
    mean: float
    sd: float
    guide_n: int
    provisional: bool
    drift: float
    steps: Mapping[tuple[str, str], float]

    @property
    def remarkable(self) -> bool:
        """Whether a rule other than the warning is broken, or a drift or step is named."""
        broken = any(set(text.split()) - {WARNING} for text in self.rules)
        return broken or not np.isnan(self.drift) or bool(self.steps)


@dataclass(frozen=True, slots=True)
class Selection:
    """Series that are charted, controls first, and how many are left out as nothing befell them."""

    controls: tuple[ChartSeries, ...]
    rest: tuple[ChartSeries, ...]
    left_out: int


def chart_series(result: QualityControl) -> dict[Key, ChartSeries]:
    """Every series of a quality control."""
    order = {plate.name: at for at, plate in enumerate(result.plates)}
    drifts = {_key(row): float(row["slope"]) for row in _named(result.drift)}
    steps: dict[Key, dict[tuple[str, str], float]] = {}
    for row in _named(result.steps):
        change = (row["lot_before"], row["lot_after"])
        steps.setdefault(_key(row), {})[change] = float(row["ratio"])
    rows: dict[Key, list[dict[Any, Any]]] = {}
    for row in result.table.to_dict("records"):
        rows.setdefault(_key(row), []).append(row)
    return {
        key: _series(key, mine, order, drifts.get(key, np.nan), steps.get(key, {}))
        for key, mine in rows.items()
    }


def select(result: QualityControl, *, all_charts: bool = False) -> Selection:
    """The series to chart."""
    known = [one for one in chart_series(result).values() if np.isfinite(one.value).any()]
    kept = [one for one in known if all_charts or one.key[1] not in CURVE_SERIES or one.remarkable]
    # plates with nothing but curves: better their charts than none
    kept = kept or known
    return Selection(
        controls=tuple(one for one in kept if one.key[1] == "control"),
        rest=tuple(one for one in kept if one.key[1] != "control"),
        left_out=len(known) - len(kept),
    )


def _series(
    key: Key,
    rows: Sequence[dict[Any, Any]],
    order: Mapping[str, int],
    drift: float,
    steps: Mapping[tuple[str, str], float],
) -> ChartSeries:
    """One series from its rows."""
    rows = sorted(rows, key=lambda row: order[row["plate"]])
    limits = next((row for row in rows if row["sd"] == row["sd"]), None)
    first = rows[0]
    return ChartSeries(
        key=key,
        unit=next((row["unit"] for row in rows if row["unit"]), ""),
        x=np.array([order[row["plate"]] for row in rows], dtype=np.float64),
        value=np.array([row["value"] for row in rows], dtype=np.float64),
        z=np.array([row["z"] for row in rows], dtype=np.float64),
        role=tuple(str(row["role"]) for row in rows),
        rules=tuple(str(row["rules"]) for row in rows),
        mean=np.nan if limits is None else float(np.log(limits["mean"])),
        sd=np.nan if limits is None else float(limits["sd"]),
        guide_n=int(first["guide_n"]),
        provisional=bool(first["provisional"]),
        drift=drift,
        steps=steps,
    )


def _named(table: pd.DataFrame) -> list[dict[Any, Any]]:
    """The drifts or steps that are more than chance."""
    return table[table["p_adjusted"] < ALPHA].to_dict("records")


def _key(row: Mapping[Any, Any]) -> Key:
    """Analyte, series and level of a row."""
    analyte, series, level = (str(row[name]) for name in _KEY)
    return analyte, series, level
