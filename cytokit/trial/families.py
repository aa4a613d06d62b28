"""What happens inside the declared families: adjustment, stars, gate, guard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cytokit.arrays import Bools, Floats
from cytokit.options import CompareOptions
from cytokit.trial.analyses import (
    ADJUSTED,
    BETWEEN,
    WITHOUT_STRATA,
    covariates,
    spread_per_arm,
)
from cytokit.trial.comparison import Record
from cytokit.trial.estimate import finite, label, stars
from cytokit.trial.linear import ANCOVA, ANCOVA_PER_ARM, LINEAR, LINEAR_PER_ARM
from cytokit.trial.multiplicity import adjust
from cytokit.trial.paired import METHOD as BIVARIATE
from cytokit.trial.permutation import arm_flip_max_t, max_t, sign_flip_max_t
from cytokit.trial.strata import Labels, strata_of, stratified_scores

Row = dict[str, Any]


def adjust_rows(
    rows: Sequence[Row],
    options: CompareOptions,
    permuted: Mapping[tuple[str, int], tuple[float, int | None]],
) -> None:
    """Write family_size, adjust, p_adjusted, q_bh, stars and label into the rows."""
    for row in rows:
        row.update(adjust="", family_size=None, p_adjusted=np.nan, q_bh=np.nan)
    for family in dict.fromkeys(row["family"] for row in rows if row["family"]):
        mine = [row for row in rows if row["family"] == family]
        p = np.array([row["p"] for row in mine])
        size = int(np.isfinite(p).sum())
        q = adjust(p, "bh")
        if options.adjust == "maxt":
            found = [permuted.get((family, at), (np.nan, None)) for at in range(len(mine))]
            adjusted = np.where(np.isnan(p), np.nan, [value for value, _ in found])
            for row, (_, seed) in zip(mine, found, strict=True):
                row["seed"] = seed
        else:
            adjusted = adjust(p, options.adjust)
        for row, one, q_one in zip(mine, adjusted, q, strict=True):
            row.update(
                family_size=size, adjust=options.adjust, p_adjusted=float(one), q_bh=float(q_one)
            )
    for row in rows:
        row["stars"] = stars(row["p_adjusted"])
        row["label"] = label(row["p_adjusted"] if row["family"] else row["p"])


def gatekeep(rows: Sequence[Row], options: CompareOptions) -> None:
    """Take the stars off longitudinal rows of analytes whose groups do not differ.

    An analyte's gate is open if any F1 row that involves the arm is significant after adjustment.
    Without any F1 row there is nothing to be gated by, and all stars stand.
    """
    primary = [row for row in rows if row["family"] == "F1"]
    if not options.gate or not primary:
        return
    open_for = {
        (row["analyte"], arm)
        for row in primary
        for arm in (row["treated_group"], row["control_group"])
        if row["p_adjusted"] < options.alpha
    }
    for row in rows:
        arm = row["treated_group"] or row["control_group"]
        if row["family"] in ("F2", "F3") and (row["analyte"], arm) not in open_for:
            if row["stars"]:
                _flag(row, "gated", "the groups do not differ after adjustment")
            row["stars"] = ""


def guard(rows: Sequence[Row], options: CompareOptions) -> tuple[str, ...]:
    """Sentences, and flags on the rows, where within-arm verdicts differ and F1 shows nothing.

    The verdicts are compared as a reader would: by raw and by adjusted p. Nothing is said where
    the groups were not compared, nor where they differ by either p.
    """
    by_analyte: dict[str, list[Row]] = {}
    for row in rows:
        by_analyte.setdefault(row["analyte"], []).append(row)
    sentences = []
    for mine in by_analyte.values():
        within = {
            row["treated_group"] or row["control_group"]: row
            for row in mine
            if row["family"] in ("F2", "F3")
        }
        for row in mine:
            compared = row["family"] == "F1" and not np.isnan(row["p"])
            if not compared or min(row["p"], row["p_adjusted"]) < options.alpha:
                continue
            pair = [within.get(row[name]) for name in ("treated_group", "control_group")]
            if pair[0] is None or pair[1] is None or not _differ(pair[0], pair[1], options.alpha):
                continue
            sentences.append(_sentence(row, pair[0], pair[1], options))
            for one in (row, pair[0], pair[1]):
                _flag(one, "guard", "within-group verdicts differ, the groups do not")
    return tuple(sentences)


def _differ(first: Row, second: Row, alpha: float) -> bool:
    """Whether one of two within-arm results is significant and the other is not."""
    return any(_differ_by(name, first, second, alpha) for name in ("p", "p_adjusted"))


def _differ_by(name: str, first: Row, second: Row, alpha: float) -> bool:
    """The same by raw, or by adjusted p; what was not analysed is not significant."""
    return bool((first[name] < alpha) != (second[name] < alpha))


def _sentence(between: Row, treated: Row, control: Row, options: CompareOptions) -> str:
    """The guard in plain words."""
    alpha = options.alpha
    name = "p" if _differ_by("p", treated, control, alpha) else "p_adjusted"
    said = ", ".join(
        f"{arm} {_verdict(row, name, alpha)}"
        for arm, row in ((between["treated_group"], treated), (between["control_group"], control))
    )
    p = label(between["p"])
    if options.adjust != "none":
        p += f", adjusted {label(between['p_adjusted'])}"
    return (
        f"{between['analyte']}: within the groups the verdicts differ ({said}), but the groups do "
        f"not differ significantly ({p}): this pattern is no evidence of a "
        "difference between the groups."
    )


def _verdict(row: Row, name: str, alpha: float) -> str:
    """``changes (p = 0.02)``: by the p that the verdicts are compared by."""
    if np.isnan(row["p"]):
        return "not analysed"
    verdict = "significant" if row[name] < alpha else "not significant"
    return f"{verdict}: {'adjusted ' * (name != 'p')}{label(row[name])}"


def _flag(row: Row, code: str, text: str) -> None:
    """Add a flag to a row, once."""
    flag = f"{code}: {text}"
    if flag not in row["flags"]:
        row["flags"] = f"{row['flags']}; {flag}" if row["flags"] else flag


# Westfall-Young maxT for the declared families: whole subjects permuted, or their signs flipped.


Permuted = dict[tuple[str, int], tuple[float, int | None]]

_OF_NUMBERS = (ANCOVA, ANCOVA_PER_ARM, LINEAR, LINEAR_PER_ARM, "Welch")


def permuted_p(records: Sequence[Record], options: CompareOptions) -> Permuted:
    """Adjusted p of every test of a family."""
    found: Permuted = {}
    for family in dict.fromkeys(record.contrast.family for record in records):
        mine = [record for record in records if record.contrast.family == family]
        if not family:
            continue
        adjusted, seed = (_between if family == "F1" else _within)(mine, options)
        found |= {(family, at): (float(p), seed) for at, p in enumerate(adjusted)}
    return found


def _between(records: Sequence[Record], options: CompareOptions) -> tuple[Floats, int | None]:
    """Labels of whole subjects permuted within strata, or their signs flipped within arms."""
    first = records[0]
    subjects = first.data.subjects
    treated = subjects.group == first.contrast.treated
    strata = strata_of(subjects.stratum, options)
    columns = [_between_column(record, strata) for record in records]
    values = np.column_stack([value for value, _ in columns])
    adjusting = options.between == "ancova"
    baseline = np.column_stack([base for _, base in columns]) if adjusting else None
    draws, seed = options.draws, options.seed
    if flips_signs(treated, options):
        return arm_flip_max_t(
            values, treated, baseline=baseline, strata=strata, draws=draws, seed=seed
        )
    statistic = BETWEEN[options.between].statistic
    if statistic == "welch" and strata is not None:  # the analysis of covariance takes strata
        statistic = "ancova"
    result = max_t(
        values,
        treated,
        baseline=baseline,
        strata=strata,
        statistic=statistic,
        draws=draws,
        seed=seed,
    )
    return result.p_adjusted, result.seed


def flips_signs(treated: Bools, options: CompareOptions) -> bool:
    """Whether groups are compared by signs flipped within them, and not by labels permuted."""
    return options.between != "ranks" and spread_per_arm(treated, options)


def _between_column(record: Record, strata: Labels | None) -> tuple[Floats, Floats]:
    """An analyte's values and baselines, NaN for subjects its analysis did not use."""
    data, outcome = record.data, record.outcome
    nothing = np.full(len(outcome.used), np.nan)
    if not finite(outcome.estimate.p):
        return nothing, nothing
    used = outcome.used
    value, base = nothing.copy(), np.where(used, 0.0, np.nan)
    day = data.day.take(used)
    method = outcome.estimate.method
    if "change" in method or method in (BIVARIATE, WITHOUT_STRATA):
        value[used] = _changes(record, used)
    elif method in _OF_NUMBERS:
        value[used] = day.lower
    else:
        within = None if strata is None else strata[used]
        value[used] = stratified_scores(day.lower, day.upper, within)
    if method in ADJUSTED and data.base.present[used].all():
        base[used] = covariates(data.base.take(used))[0][:, 0]
    return value, base


def _within(records: Sequence[Record], options: CompareOptions) -> tuple[Floats, int | None]:
    """Signs of whole subjects flipped."""
    columns = []
    for record in records:
        column = np.full(len(record.outcome.used), np.nan)
        if finite(record.outcome.estimate.p):
            used = record.outcome.used
            column[used] = _changes(record, used)
            if record.outcome.estimate.method == "signed-rank":
                column[used] = _signed_ranks(column[used])
        columns.append(column)
    return sign_flip_max_t(np.column_stack(columns), draws=options.draws, seed=options.seed)


def _changes(record: Record, used: Bools) -> Floats:
    """Ln day - ln baseline; where any is out of range, the direction of each that is known."""
    base, day = record.data.base.take(used), record.data.day.take(used)
    if (base.exact & day.exact).all():
        return np.asarray(day.lower - base.lower)
    up, down = day.lower >= base.upper, day.upper <= base.lower
    return up.astype(np.float64) - down.astype(np.float64)


def _signed_ranks(changes: Floats) -> Floats:
    """Signed midranks of the changes that are not zero."""
    from scipy.stats import rankdata

    rounded = np.round(changes, 10)
    ranks = rankdata(np.where(rounded == 0, -1.0, np.abs(rounded))) - (rounded == 0).sum()
    return np.asarray(np.where(rounded == 0, 0.0, np.sign(rounded) * ranks))
