"""The specification panel: one contrast under every defensible way to analyse it.

Censoring policy, analysis, curve model, robustness, concentration or fluorescence: what a reader
might have done instead, all combinations, and how often the verdict of the main analysis holds
(Simonsohn, Simmons and Nelson 2020, Nat Hum Behav 4:1208).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from cytokit.curves.logistic import MODELS
from cytokit.errors import Problem, UsageError
from cytokit.options import CompareOptions
from cytokit.schema import TABLES
from cytokit.tables.designs import Design
from cytokit.trial.censoring import POLICIES
from cytokit.trial.compare import compare
from cytokit.trial.comparison import Comparison, Sensitivity
from cytokit.trial.study import Study

if TYPE_CHECKING:
    from cytokit.curves.platefit import PlateFit
    from cytokit.tables.pseudonyms import Pseudonyms


#: what the study of the main analysis is called
MAIN_DATA = "as analysed"
ANALYSES = ("ancova", "welch", "ranks", "change")
SUBSTITUTES = ("limit", "half", "sqrt2")
_KEYS = ["analyte", "treated_group", "control_group"]
#: two specifications with these alike are one analysis
_NUMBERS = ("n_treated", "n_control", "ratio", "ratio_low", "ratio_high", "p", "p_adjusted")
HOLDS_COLUMNS = (
    *("analyte", "treated_group", "control_group", "verdict", "specifications", "analysed"),
    *("same", "holds_pct", "ratio_min", "ratio_max"),
)


@dataclass(frozen=True, slots=True)
class _Specification:
    """One way to analyse the contrast: the study by its name, and every option."""

    data: str
    options: CompareOptions


def sensitivity(
    result: Comparison,
    *,
    studies: Mapping[str, Study] | None = None,
    analyses: Sequence[str] = ANALYSES,
    substitutes: Sequence[str] = SUBSTITUTES,
) -> Sensitivity:
    """Repeat a comparison's primary contrast under other specifications.

    Parameters
    ----------
    result : Comparison
        The main analysis; its days, reference, analytes, adjustment and level are kept.
    studies : mapping of str to Study, optional
        The same trial read otherwise, by name; :func:`refitted_studies` makes them from plates.
    analyses : sequence of str
        Of ``ancova``, ``welch``, ``ranks``, ``change``; those that need a baseline are left out
        where there is none.
    substitutes : sequence of str
        Of ``as-given``, ``limit``, ``half``, ``sqrt2``, under the main policy only.

    Returns
    -------
    Sensitivity

    Raises
    ------
    UsageError
        CK-412, if a study lacks the main analysis's groups, days or analytes.
    """
    every = {MAIN_DATA: result.study, **(studies or {})}
    _check_studies(result, every)
    kept = [name for name in analyses if name != "change" or result.baseline is not None]
    frames = [
        _rows(result, every[one.data], one)
        for one in _specifications(result, every, kept, substitutes)
    ]
    table = pd.concat(frames, ignore_index=True)
    table = table.assign(same_as=_same_as(table))[TABLES["sensitivity"].names]
    return Sensitivity(table, _holds(table), result.options.alpha)


def refitted_studies(
    fits: PlateFit | Sequence[PlateFit],
    design: Design | str | Path | pd.DataFrame,
    *,
    mapping: Mapping[str, str | Sequence[str]] | None = None,
    censor: str = "lod",
    pseudonyms: Pseudonyms | None = None,
) -> dict[str, Study]:
    """The same plates fitted otherwise, and their fluorescence without any curve."""
    from cytokit.curves.platefit import fit as fit_plates

    given = list(fits) if isinstance(fits, Sequence) else [fits]
    main = given[0].options
    if any((fit.options.model, fit.options.robust) != (main.model, main.robust) for fit in given):
        what = "the fits differ in model or robustness: there is no other way round"
        raise UsageError(Problem("CK-415", what, mend="fit all plates with the same options"))
    model = next(key for key in MODELS if key != main.model)
    robust = "robust" if not main.robust else "not robust"
    others: dict[str, dict[str, Any]] = {
        MODELS[model].label: {"model": model},
        robust: {"robust": not main.robust},
        f"{MODELS[model].label}, {robust}": {"model": model, "robust": not main.robust},
    }
    exclusions = [fit.exclusions if len(fit.exclusions) else None for fit in given]
    studies = {}
    for name, change in others.items():
        refitted = [
            fit_plates(fit.plates, replace(fit.options, **change), exclusions=left_out)
            for fit, left_out in zip(given, exclusions, strict=True)
        ]
        studies[name] = Study(
            refitted, design, mapping=mapping, censor=censor, pseudonyms=pseudonyms
        )
    studies["MFI"] = Study(given, design, mapping=mapping, quantity="mfi", pseudonyms=pseudonyms)
    return studies


def _specifications(
    result: Comparison,
    studies: Mapping[str, Study],
    analyses: Sequence[str],
    substitutes: Sequence[str],
) -> Iterator[_Specification]:
    """All combinations, the main one first; policies that change no value at all are left out.

    Each is the main analysis with some options replaced, so that no other option can differ.
    """
    main = _Specification(MAIN_DATA, result.options)
    yield main
    for name, study in studies.items():
        policies = list(_different_policies(study))
        numbers = study.values["state"].isin(["exact", "missing"]).all()
        ways = [(policy, "none") for policy in policies]
        ways += [] if numbers else [(study.censor, substitute) for substitute in substitutes]
        for (censor, substitute), between in product(ways, analyses):
            changed = replace(result.options, censor=censor, substitute=substitute, between=between)
            one = _Specification(name, changed)
            if one != main:
                yield one


def _different_policies(study: Study) -> Iterator[str]:
    """The study's own policy, and those others under which a value reads differently."""
    yield study.censor
    seen = [study.values[["lower", "upper"]]]
    for policy in POLICIES:
        values = study.recensored(policy).values[["lower", "upper"]]
        if not any(values.equals(other) for other in seen):
            seen.append(values)
            yield policy


def _rows(result: Comparison, study: Study, one: _Specification) -> pd.DataFrame:
    """The primary contrast of every analyte under one specification; the main one as it stands."""
    main = one == _Specification(MAIN_DATA, result.options)
    rows = result.between if main else _compared(result, study, one.options).between
    return rows.assign(
        data=one.data,
        censor=one.options.censor,
        substitute=one.options.substitute,
        between=one.options.between,
        main=main,
        verdict=_verdicts(rows, one.options.alpha),
    )


def _compared(result: Comparison, study: Study, options: CompareOptions) -> Comparison:
    """The main analysis's groups, days and analytes in another study or with other options."""
    # the main analysis has been refused or allowed already
    allowed = replace(options, allow_confounded=True)
    return compare(
        study,
        baseline=result.baseline,
        day=list(result.day),
        reference=result.reference,
        analytes=list(result.analytes),
        **allowed.as_dict(),
    )


def _verdicts(rows: pd.DataFrame, alpha: float) -> list[str]:
    """What each row says; the direction is the ratio's, or where there is none Cliff's delta's."""
    p = rows["p_adjusted"].to_numpy(float)
    with np.errstate(divide="ignore"):  # a ratio of 0 has the sign of minus infinity
        effect = np.log(rows["ratio"].to_numpy(float))
    direction = np.where(np.isnan(effect), rows["cliffs_delta"].to_numpy(float), effect)
    words = np.select(
        [np.isnan(p), p >= alpha, direction > 0],
        ["not analysed", "not significant", "higher"],
        "lower",
    )
    return [str(word) for word in words]


def _same_as(table: pd.DataFrame) -> list[str]:
    """Per row, the first specification of the same analyte and pair that gave the same numbers."""
    first: dict[tuple[object, ...], str] = {}
    found = []
    for row in table.to_dict("records"):
        numbers = tuple("" if pd.isna(row[name]) else f"{row[name]:.10g}" for name in _NUMBERS)
        # without numbers the reason is what there is to compare
        key = (*(row[name] for name in _KEYS), *numbers, row["flags"] if pd.isna(row["p"]) else "")
        name = ", ".join(row[part] for part in ("data", "censor", "substitute", "between"))
        found.append(first.get(key, ""))
        first.setdefault(key, name)
    return found


def _holds(table: pd.DataFrame) -> pd.DataFrame:
    """How often the main verdict holds, per analyte and pair of groups."""
    rows = []
    for key, group in table.groupby(_KEYS, sort=False):
        main = str(group.loc[group["main"], "verdict"].iloc[0])
        others = group[~group["main"] & (group["same_as"] == "")]
        analysed = others[others["verdict"] != "not analysed"]
        same = int((others["verdict"] == main).sum())
        compared = len(others) if main == "not analysed" else len(analysed)
        share = 100.0 * same / compared if compared else float("nan")
        span = (group["ratio"].min(), group["ratio"].max())
        rows.append((*key, main, len(others), len(analysed), same, share, *span))
    return pd.DataFrame(rows, columns=list(HOLDS_COLUMNS))


def _check_studies(result: Comparison, studies: Mapping[str, Study]) -> None:
    """Every study must hold what the main analysis compared."""
    problems = [
        Problem(
            "CK-412",
            f"the study {name!r} has no {what} {', '.join(lacking)}",
            mend="give the same trial, read otherwise",
        )
        for name, study in studies.items()
        for what, lacking in _lacking(result, study)
    ]
    if problems:
        raise UsageError(*problems)


def _lacking(result: Comparison, study: Study) -> Iterable[tuple[str, list[str]]]:
    """What of the main analysis a study does not hold."""
    days = [*result.day, *(() if result.baseline is None else (result.baseline,))]
    wanted = (
        ("group", result.study.groups, study.groups),
        ("day", days, study.days),
        ("analyte", result.analytes, study.analytes),
    )
    for what, ours, theirs in wanted:
        missing = [str(one) for one in ours if one not in theirs]
        if missing:
            yield what, missing
