"""compare: from a study to one table of contrasts, adjusted inside declared families."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from cytokit.errors import NothingToDoError, Problem, UsageError, did_you_mean, option_text
from cytokit.findings import worst_first
from cytokit.stats import families as within_families
from cytokit.stats import summary
from cytokit.stats.analyse import analyse
from cytokit.stats.bridged import bridge_findings, mark_bridged
from cytokit.stats.cells import AnalyteData, analyte_data
from cytokit.stats.comparison import Comparison
from cytokit.stats.confounding import check_plates
from cytokit.stats.contrasts import (
    Contrast,
    Kind,
    declare,
    declare_families,
    find_reference,
)
from cytokit.stats.failed_fits import mark_failed_fits
from cytokit.stats.methods import methods_text
from cytokit.stats.options import CompareOptions
from cytokit.stats.permuted import permuted_p
from cytokit.stats.repeated import Visits, find_visits
from cytokit.stats.rows import Record, make_row, make_table
from cytokit.stats.strata import check_strata
from cytokit.study import Study
from cytokit.tables.days import Day, find_day

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
        See :class:`cytokit.stats.options.CompareOptions`.
    versus, worse, spread
        See :class:`cytokit.stats.options.CompareOptions`.
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
    within_families.adjust_rows(rows, options, permuted)
    within_families.gate(rows, options)
    rows = [row for name in chosen for row in rows if row["analyte"] == name]
    sentences = within_families.guard(rows, options)
    result = Comparison(
        table=make_table(rows),
        summary=summary.summarise(study, chosen, shown, level=options.level),
        detectability=summary.detectability(study, chosen, shown),
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
