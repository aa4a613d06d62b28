"""The sentences of the comparison page: its verdict and the names of its contrasts."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Any

from cytokit.report._embed import short
from cytokit.verdict import few

if TYPE_CHECKING:
    from cytokit.stats import Comparison

_ADJUST = {
    "holm": "Holm",
    "bonferroni": "Bonferroni",
    "sidak": "Šidák",
    "holm-sidak": "Holm-Šidák",
    "hochberg": "Hochberg",
    "hommel": "Hommel",
    "bh": "Benjamini-Hochberg",
    "by": "Benjamini-Yekutieli",
    "maxt": "Westfall-Young",
}
_CONTRASTS = {
    "within_treated": "change within the treated group",
    "within_control": "change within the reference group",
    "difference_in_change": "difference in change",
    "worst_rank": "worst-rank composite of value and death",
}


def contrast_title(name: str) -> str:
    """A contrast in words.

    Parameters
    ----------
    name : str
        As in the column ``contrast``.

    Returns
    -------
    str

    Examples
    --------
    >>> contrast_title("between_day6"), contrast_title("within_treated")
    ('between groups, day 6', 'change within the treated group')
    """
    if name.startswith("between_day"):
        return f"between groups, day {name.removeprefix('between_day')}"
    return _CONTRASTS.get(name, name.replace("_", " "))


def conclusion(comparison: Comparison) -> str:
    """What came out, in one sentence, from the primary rows of the table.

    Parameters
    ----------
    comparison : Comparison

    Returns
    -------
    str
    """
    table = comparison.table
    primary = comparison.between
    rows = primary if len(primary) else table[table["family"] != ""]
    tested = rows[rows["p_adjusted"].notna()]
    adjust = comparison.options.adjust
    how = (
        f"after {_ADJUST.get(adjust, adjust)} adjustment"
        if adjust != "none"
        else "without adjustment"
    )
    if tested.empty:
        return "No analyte could be tested; the table says why for each."
    found = tested[tested["p_adjusted"] < comparison.options.alpha].sort_values("p_adjusted")
    what = "analytes" if tested["analyte"].is_unique else "tests"
    one = len(found) <= 1
    verb = f"differ{'s' * one}" if len(primary) else f"change{'s' * one}"
    verb += " significantly between the groups" if len(primary) else " significantly"
    if found.empty:
        sentence = f"None of {len(tested)} {what} {verb} {how}"
    else:
        listed = few([_found(row, comparison) for row in found.to_dict("records")], most=3)
        sentence = f"{len(found)} of {len(tested)} {what} {verb} {how}: {listed}"
    left = len(rows) - len(tested)
    return f"{sentence}{f'; {left} could not be tested' if left else ''}."


def _found(row: Mapping[Hashable, Any], comparison: Comparison) -> str:
    """An analyte with its ratio and its adjusted p, written as everywhere."""
    from cytokit.stats.labels import adjusted_text, label, level_text

    level = level_text(comparison.options.alpha)
    adjusted = adjusted_text(comparison.options.adjust)
    interval = f"{short(row['ratio_low'])} to {short(row['ratio_high'])}"
    ratio = (
        f"ratio {short(row['ratio'])}, {level} CI {interval}, "
        if row["ratio"] == row["ratio"]
        else ""
    )
    return f"{row['analyte']} ({ratio}{adjusted} {label(row['p_adjusted'])})"
