"""compare: from a study to one table of contrasts, adjusted inside declared families."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from cytokit.arrays import Bools
from cytokit.errors import NothingToDoError, Problem, UsageError, did_you_mean, option_text
from cytokit.flags import worst_first
from cytokit.options import CompareOptions
from cytokit.tables.cells import Day, find_day
from cytokit.trial.analyses import (
    changes,
    compare_arms,
    compare_changes,
    compare_days,
    primary,
    within,
)
from cytokit.trial.comparison import (
    Comparison,
    Contrast,
    Kind,
    Record,
    declare,
    declare_families,
    find_reference,
    make_row,
    make_table,
)
from cytokit.trial.composite import compare_composite, with_tipping
from cytokit.trial.confounding import check_plates
from cytokit.trial.estimate import Estimate, Outcome, flags_text
from cytokit.trial.families import adjust_rows, gatekeep, guard, permuted_p
from cytokit.trial.methods_text import bridge_findings, mark_bridged, methods_text
from cytokit.trial.mixed import Visits, compare_repeated, find_visits
from cytokit.trial.propagate import propagated
from cytokit.trial.readings import codes_in
from cytokit.trial.strata import check_strata, strata_of
from cytokit.trial.study import Study
from cytokit.trial.summary import detectability, summarise
from cytokit.trial.values import AnalyteData, analyte_data

# One contrast of one analyte: which analysis it gets, with all that belongs to it.


def analyse(
    contrast: Contrast, data: AnalyteData, visits: Visits | None, options: CompareOptions
) -> Outcome | None:
    """Analyse one contrast of one analyte."""
    treated = data.subjects.group == contrast.treated
    outcome = _by_kind(contrast, data, treated, visits, options)
    if outcome is None:
        return None
    if options.propagate and contrast.kind in (Kind.BETWEEN, Kind.CHANGE, Kind.WITHIN):
        outcome = _propagated(contrast, data, treated, outcome, options)
    notes = (*outcome.notes, *_said(contrast, data))
    return replace(outcome, notes=notes)


def _by_kind(
    contrast: Contrast,
    data: AnalyteData,
    treated: Bools,
    visits: Visits | None,
    options: CompareOptions,
) -> Outcome | None:
    """The analysis that the contrast's kind calls for."""
    names = (contrast.treated, contrast.control)
    mixed = contrast.kind is Kind.MIXED or (
        contrast.kind is Kind.BETWEEN and options.between == "mixed"
    )
    if mixed and visits is not None:
        return compare_repeated(data, treated, visits, options)
    if contrast.kind is Kind.BETWEEN:
        outcome = compare_arms(data, treated, names, options)
        return with_tipping(data, treated, outcome, options)
    if contrast.kind is Kind.CHANGE:
        return compare_changes(data, treated, names, options)
    if contrast.kind is Kind.WITHIN:
        return compare_days(data, contrast.arms[0], options)
    return compare_composite(data, treated, options)


def _propagated(
    contrast: Contrast, data: AnalyteData, treated: Bools, outcome: Outcome, options: CompareOptions
) -> Outcome:
    """The same contrast with the assay's uncertainty carried into it."""
    names = (contrast.treated, contrast.control)
    used = outcome.used

    def again(drawn: AnalyteData) -> Estimate:
        if contrast.kind is Kind.WITHIN:
            base, day = drawn.base.take(used), drawn.day.take(used)
            return within(base, day, contrast.arms[0], options)[0]
        if contrast.kind is Kind.CHANGE or options.between == "change":
            mine = drawn.take(used)
            strata = strata_of(mine.subjects.stratum, options)
            return changes(mine.base, mine.day, treated[used], names, options.level, strata)[0]
        return primary(drawn, treated, names, options)[0]

    return propagated(
        data, data.subjects.group, outcome, again, seed=options.seed, level=options.level
    )


def _said(contrast: Contrast, data: AnalyteData) -> list[tuple[str, str]]:
    """What must be said of deaths and of numbers put in the place of values."""
    notes = []
    died = int((data.subjects.died & ~data.day.present).sum())
    if died and contrast.kind is not Kind.WORST_RANK:
        notes.append(("deaths", f"{died} died before the day; survivors with a sample"))
    put_in = data.day.substituted
    if contrast.kind is not Kind.BETWEEN:
        put_in = put_in | data.base.substituted
    if np.any(put_in):
        notes.append(("substituted", f"{int(put_in.sum())} subjects with numbers put in"))
    return notes


# What a comparison says of values that rest on something that ``fit`` failed.


CODE = "fit_fail"


def mark_failed_fits(rows: Sequence[dict[str, Any]], study: Study, days: Sequence[Day]) -> None:
    """Add the flag to the rows with such values at the baseline or the days compared."""
    values = study.values[study.values["day"].isin(days)]
    if not (values[CODE] != "").any():
        return
    blocks = dict(list(values.groupby(["analyte", "group"], sort=False)))
    for row in rows:
        arms = [name for name in (row["treated_group"], row["control_group"]) if name]
        found = [blocks[key] for arm in arms if (key := (row["analyte"], arm)) in blocks]
        note = _note(pd.concat(found)) if found else ""
        row["flags"] = "; ".join(filter(None, (row["flags"], note)))


def _note(values: pd.DataFrame) -> str:
    """How many of the values, by what failed; empty where none."""
    failed = values.loc[values[CODE] != "", CODE]
    if failed.empty:
        return ""
    counts = Counter(code for mark in failed for code in codes_in(mark))
    named = ", ".join(f"{code} {count}" for code, count in counts.items())
    text = f"{len(failed)} of {len(values)} values rest on what the fit failed ({named})"
    return flags_text([(CODE, text)])


Progress = Callable[[str, int, int], None]


def compare(
    study: Study,
    *,
    baseline: object = 0,
    day: object = 6,
    reference: str | None = None,
    analytes: Sequence[str] | None = None,
    between: str = "ancova",
    within: str = "ratio",
    adjust: str = "holm",
    gate: bool = True,
    censor: str | None = None,
    floors: str | None = None,
    substitute: str = "none",
    propagate: bool = False,
    strata: bool = True,
    mixed: bool = True,
    versus: str = "reference",
    worse: str = "high",
    spread: str = "design",
    alpha: float = 0.05,
    seed: int = 0,
    draws: int = 100_000,
    allow_confounded: bool = False,
    family_of_these: bool = False,
    progress: Progress | None = None,
) -> Comparison:
    """Compare groups at one day, and days within each group, analyte by analyte.

    Parameters
    ----------
    study : Study
    baseline : day or None
        The day before treatment (``0``, ``"D0"``, ``"day 0"``); None where there is none.
    day : day, or sequence of days
        The day at which the groups are compared; of several, the mean of ln over those a subject
        has.
    reference : str, optional
        The group that ratios are over; not needed where one group alone is called control,
        placebo or reference.
    analytes : sequence of str, optional
        Those to show, in this order; all where not given. The families stay those of all
        analytes measured, unless ``family_of_these``.
    between, within, adjust, gate, censor, floors, substitute, propagate, strata, mixed
        See :class:`cytokit.options.CompareOptions`.
    versus, worse, spread
        See :class:`cytokit.options.CompareOptions`.
    alpha, seed, draws, allow_confounded, family_of_these
        See there.
    progress : callable, optional
        Takes what is done ("comparing"), how many analytes are done, and of how many.

    Returns
    -------
    Comparison

    Raises
    ------
    UsageError
        CK-401 to CK-406, CK-410, CK-411, CK-422 and CK-435: names and options that do not exist or
        fit.
    DesignError
        CK-407, if group or day is completely confounded with plate.
    NothingToDoError
        CK-409, if the study has one group and no baseline.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> rng = np.random.default_rng(1)
    >>> table = pd.DataFrame(
    ...     {
    ...         "subject": np.repeat([f"S{i}" for i in range(12)], 2),
    ...         "group": np.repeat(["treated", "control"], 12),
    ...         "day": [0, 6] * 12,
    ...         "IL-6 (pg/mL)": rng.lognormal(3, 0.3, 24),
    ...     }
    ... )
    >>> result = compare(Study(table), baseline=0, day=6, reference="control")
    >>> result.table[["contrast", "family", "method"]].values.tolist()[0]
    ['between_day6', 'F1', 'ANCOVA']
    """
    options = CompareOptions(
        between=between,
        within=within,
        adjust=adjust,
        gate=gate,
        censor=censor,
        floors=floors,
        substitute=substitute,
        propagate=propagate,
        strata=strata,
        mixed=mixed,
        versus=versus,
        worse=worse,
        spread=spread,
        alpha=alpha,
        seed=seed,
        draws=draws,
        allow_confounded=allow_confounded,
        family_of_these=family_of_these,
    )
    asked = (censor or study.censor, floors or study.floors)
    if asked != (study.censor, study.floors):
        study = study.recensored(*asked)
    options = replace(options, censor=study.censor, floors=study.floors)
    check_strata(study, options)
    base, days = _days(study, baseline, day)
    group = find_reference(study.groups, reference)
    chosen = _analytes(study, analytes)
    visits = find_visits(study.days, base, days) if options.mixed else None
    contrasts = _declared(study, group, base, days, visits, options)
    tested = chosen if family_of_these else study.analytes
    plates = check_plates(study, tested, contrasts, base, days, allow=allow_confounded)
    declared = declare_families(contrasts, tested)
    every = study.days if visits is not None else ()
    data = analyte_data(study, tested, base, days, substitute, visits=every)
    records = _records(contrasts, data, visits, options, progress)
    rows = [make_row(record, alpha=alpha) for record in records]
    shown = [*dict.fromkeys((*(() if base is None else (base,)), *days))]
    mark_bridged(rows, study)
    mark_failed_fits(rows, study, shown)
    plates.mark(rows)
    permuted = permuted_p(records, options) if adjust == "maxt" else {}
    adjust_rows(rows, options, permuted)
    gatekeep(rows, options)
    rows = [row for name in chosen for row in rows if row["analyte"] == name]
    sentences = guard(rows, options)
    result = Comparison(
        table=make_table(rows),
        summary=summarise(study, chosen, shown, level=options.level),
        detectability=detectability(study, chosen, shown),
        study=study,
        options=options,
        baseline=base,
        day=days,
        reference=group,
        analytes=tuple(chosen),
        families=declared,
        guard=sentences,
        findings=worst_first((*study.findings, *plates.findings, *bridge_findings(study))),
    )
    return replace(result, methods=methods_text(result))


def _declared(
    study: Study,
    reference: str,
    base: Day | None,
    days: Sequence[Day],
    visits: Visits | None,
    options: CompareOptions,
) -> tuple[Contrast, ...]:
    """The contrasts, before any p; what the options cannot do with them is refused."""
    contrasts = declare(
        study.groups,
        reference,
        "+".join(map(str, days)),
        has_baseline=base is not None,
        versus=options.versus,
        repeated=visits is not None and options.between != "mixed",
    )
    if not contrasts:
        mend = "give a design with two groups, or a baseline"
        what = "one group and one day: nothing to compare"
        raise NothingToDoError(Problem("CK-409", what, mend=mend))
    pairs = [contrast for contrast in contrasts if contrast.kind is Kind.BETWEEN]
    problems = []
    if options.between == "change" and base is None:
        what = f"{option_text('between', 'change')} needs a baseline"
        mend = f"name the baseline's day: {option_text('baseline', 'DAY')}"
        problems.append(Problem("CK-406", what, mend=mend))
    if options.between == "mixed" and visits is None:
        what = (
            f"{option_text('between', 'mixed')} needs three days or more, "
            f"the study has {len(study.days)}"
        )
        mend = "use ancova: with two days it gives the same estimate"
        problems.append(Problem("CK-406", what, mend=mend))
    if options.adjust == "maxt" and len(pairs) > 1:
        what = (
            f"{option_text('adjust', 'maxt')} compares two groups, "
            f"this study has {len(study.groups)}"
        )
        problems.append(Problem("CK-408", what, mend=f"use {option_text('adjust', 'holm')}"))
    if options.adjust == "maxt" and options.between == "mixed":
        what = f"{option_text('adjust', 'maxt')} has no permutation test for a mixed model"
        mend = f"use {option_text('adjust', 'holm')}, or {option_text('between', 'ancova')}"
        problems.append(Problem("CK-408", what, mend=mend))
    if problems:
        raise UsageError(*problems)
    return contrasts


def _records(
    contrasts: Sequence[Contrast],
    data: Sequence[AnalyteData],
    visits: Visits | None,
    options: CompareOptions,
    progress: Progress | None,
) -> list[Record]:
    """All contrasts, analyte by analyte."""
    records = []
    for done, one in enumerate(data):
        if progress is not None:
            progress("comparing", done, len(data))
        for contrast in contrasts:
            mine = one.of(*contrast.arms)
            outcome = analyse(contrast, mine, visits, options)
            if outcome is not None:
                records.append(Record(contrast, mine, outcome))
    if progress is not None:
        progress("comparing", len(data), len(data))
    return records


def _days(study: Study, baseline: object, day: object) -> tuple[Day | None, tuple[Day, ...]]:
    """The study's days that the options mean."""
    asked = list(day) if isinstance(day, (list, tuple)) else [day]
    problems: list[Problem] = []
    days: list[Day] = []
    base: Day | None = None
    for option, value in (*(("day", one) for one in asked), ("baseline", baseline)):
        if value is None and option == "baseline":
            continue
        try:
            found = find_day(value, study.days, option)
        except UsageError as error:
            problems += error.problems
            continue
        if option == "baseline":
            base = found
        else:
            days.append(found)
    if not problems and (not days or base in days or len(set(days)) < len(days)):
        what = f"baseline {baseline} and day {day} are not different days"
        mend = f"the study's days are {', '.join(map(str, study.days))}"
        problems.append(Problem("CK-405", what, mend=mend))
    if problems:
        raise UsageError(*problems)
    return base, tuple(days)


def _analytes(study: Study, asked: Sequence[str] | None) -> list[str]:
    """The analytes to show."""
    present = study.analytes
    if asked is None:
        return present
    named = [asked] if isinstance(asked, str) else list(asked)
    problems = [
        Problem(
            "CK-403",
            f"the study has no analyte {name!r}",
            mend=f"its analytes are {', '.join(present)}",
            near=did_you_mean(name, present),
        )
        for name in named
        if name not in present
    ]
    if not named:
        problems.append(Problem("CK-403", "no analyte is named", mend="name one, or leave it out"))
    if problems:
        raise UsageError(*problems)
    return list(dict.fromkeys(named))
