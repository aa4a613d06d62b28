"""What happens inside the declared families: adjustment, stars, gate, guard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cytokit.stats import labels
from cytokit.stats.multiplicity import adjust
from cytokit.stats.options import CompareOptions

Row = dict[str, Any]


def adjust_rows(
    rows: Sequence[Row],
    options: CompareOptions,
    permuted: Mapping[tuple[str, int], tuple[float, int | None]],
) -> None:
    """Write family_size, adjust, p_adjusted, q_bh, stars and label into the rows.

    Parameters
    ----------
    rows : sequence of dict
        Changed in place, before anyone else sees them.
    options : CompareOptions
    permuted : mapping
        For ``maxt``: (family, position among its rows) -> adjusted p and seed.
    """
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
        row["stars"] = labels.stars(row["p_adjusted"])
        row["label"] = labels.label(row["p_adjusted"] if row["family"] else row["p"])


def gate(rows: Sequence[Row], options: CompareOptions) -> None:
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
    p = labels.label(between["p"])
    if options.adjust != "none":
        p += f", adjusted {labels.label(between['p_adjusted'])}"
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
    return f"{verdict}: {'adjusted ' * (name != 'p')}{labels.label(row[name])}"


def _flag(row: Row, code: str, text: str) -> None:
    """Add a flag to a row, once."""
    flag = f"{code}: {text}"
    if flag not in row["flags"]:
        row["flags"] = f"{row['flags']}; {flag}" if row["flags"] else flag
