"""methods.md: a paragraph for the paper, true to the options used and to what was done.

In the terms of SAMPL (Lang and Altman 2013) and CONSORT: what was compared, by which test, on whom,
how multiplicity was handled, with which software, and what the data do not allow to say.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

from cytokit.findings import finding_lines
from cytokit.stats._methods_between import around, between, counted, estimand, propagation, why_not
from cytokit.stats._methods_terms import ADJUST, CENSOR, RULE, RULES, STATED, SUBSTITUTE, WITHIN
from cytokit.stats.bridged import sentence
from cytokit.stats.comparison import Comparison
from cytokit.stats.labels import STARS_LEGEND
from cytokit.stats.permuted import flips_signs

if TYPE_CHECKING:
    from cytokit.stats.sensitivity import Sensitivity

_NOT_ALLOWED = "## What these data do not allow"
_LIBRARIES = ("numpy", "scipy", "pandas", "pingouin")


def methods_text(result: Comparison) -> str:
    """The paragraph, in markdown.

    Parameters
    ----------
    result : Comparison
        Complete but for this text.

    Returns
    -------
    str
        Headings ``Statistical methods``, ``What these data do not allow``, ``What was noticed in
        the data`` (where something was) and ``Software``.
    """
    sentences = [
        _subjects(result),
        between(result),
        *around(result),
        _within(result),
        _out_of_range(result),
        _log_scales(result),
        _bridging(result),
        propagation(result),
        _multiplicity(result),
    ]
    lines = [
        "## Statistical methods",
        "",
        " ".join(sentence for sentence in sentences if sentence),
        "",
        _NOT_ALLOWED,
        "",
        " ".join(_limits(result)),
        "",
        *_noticed(result),
        "## Software",
        "",
        _software(),
    ]
    return "\n".join(lines) + "\n"


def with_sensitivity(methods: str, panel: Sensitivity) -> str:
    """The text with a section on the specification panel, where one was made.

    Parameters
    ----------
    methods : str
        From :func:`methods_text`.
    panel : Sensitivity

    Returns
    -------
    str
    """
    table = panel.table
    choices = {
        "readings": table["data"],
        "values out of range": table["censor"],
        "numbers in their place": table["substitute"],
        "analyses": table["between"],
    }
    varied = "; ".join(
        f"{name}: {', '.join(map(str, column.drop_duplicates()))}"
        for name, column in choices.items()
        if len(set(column)) > 1
    )
    counts = panel.holds["specifications"]
    many = (
        f"{counts.min()}" if counts.min() == counts.max() else f"{counts.min()} to {counts.max()}"
    )
    said = (
        f"The comparison of the groups was repeated under {many} other specifications per analyte "
        f"({varied or 'none differs'}), every other option as in the main analysis; each has its "
        f"own family, and those that give the same numbers count once. In how many of them the "
        f"verdict at an adjusted p of {panel.alpha:g} is that of the main analysis stands in "
        "sensitivity.csv and its figure. No claim rests on them."
    )
    before, heading, after = methods.partition(_NOT_ALLOWED)
    return f"{before}## Sensitivity analyses\n\n{said}\n\n{heading}{after}"


def _subjects(result: Comparison) -> str:
    """Who, and who was lost."""
    table = result.study.subjects
    last = table[table["day"] == result.day[-1]]
    arms = []
    for group in result.study.groups:
        mine = last[last["group"] == group]["status"]
        counts = mine.value_counts()
        lost = ", ".join(
            f"{counts[status]} {text}"
            for status, text in (("died", "died before it"), ("missing", "without a sample"))
            if status in counts
        )
        arms.append(
            f"{group} n = {len(mine)}" + (f" ({lost} at day {result.day[-1]})" if lost else "")
        )
    return (
        f"{_analytes(result)} on the natural logarithm of the "
        f"concentration ({'; '.join(arms)}). {estimand(result)}"
    )


def _analytes(result: Comparison) -> str:
    """How many analytes were measured, and which of them were chosen."""
    measured, shown = len(result.study.analytes), result.analytes
    if len(shown) == measured:
        return "1 analyte was compared" if measured == 1 else f"{measured} analytes were compared"
    chosen = f"{measured} analytes were measured, of which {len(shown)} ({', '.join(shown)})"
    if result.options.family_of_these:
        return f"{chosen} were chosen and compared, the others not tested,"
    return f"{chosen} were chosen to be shown; all were compared"


def _within(result: Comparison) -> str:
    """The change within groups, with the methods that were really used."""
    rows = result.table[result.table["contrast"].str.startswith("within")]
    if rows.empty:
        return ""
    day = ("the mean over days " if len(result.day) > 1 else "day ") + " and ".join(
        map(str, result.day)
    )
    beside = (
        " Exact signed-rank tests of the log ratios are given beside where every value is in range."
        if result.options.within == "ratio"
        else ""
    )
    if rows["p"].isna().all():
        return (
            f"The change from day {result.baseline} to {day} within each group was not tested: "
            f"{why_not(rows)}."
        )
    return (
        f"The change from day {result.baseline} to {day} within each group was tested by "
        f"{counted(rows, WITHIN)}.{beside}"
    )


def _out_of_range(result: Comparison) -> str:
    """What was done with values out of range, and which limits nobody had declared."""
    return " ".join([_censoring(result), *_limits_found(result)])


def _limits_found(result: Comparison) -> list[str]:
    """Floors nobody declared, and limits taken from the data, each analyte with its counts."""
    codes = ("floor_censored", "floor_kept", "limit_assumed")
    return [
        f"{one.analyte}: {one.message}."
        for one in result.study.findings
        if one.code in codes and one.analyte in result.analytes
    ]


def _censoring(result: Comparison) -> str:
    options = result.options
    if options.substitute != "none":
        return (
            "As a sensitivity analysis every value out of range was replaced by "
            f"{SUBSTITUTE[options.substitute]}; this biases effects and intervals."
        )
    if _out(result):
        rule = RULES.get(options.between, RULE)
        known = result.study.values[["lod", "lloq", "uloq"]].notna().any(axis=None)
        return f"Out of range: {CENSOR[options.censor or 'lod'] if known else STATED}; {rule}."
    return "No value was out of range."


def _out(result: Comparison) -> bool:
    """Whether values out of range took part as intervals."""
    states = result.study.values["state"]
    return result.options.substitute == "none" and bool(
        states.isin(["below", "above", "interval"]).any()
    )


def _log_scales(result: Comparison) -> str:
    """Which analytes were given as logarithms, and what their numbers are here."""
    return " ".join(f"{one.message}." for one in result.study.findings if one.code == "log_scale")


def _bridging(result: Comparison) -> str:
    """How plates were bridged, where they were."""
    found = result.study.bridge
    return "" if found is None else sentence(found) + "."


def _multiplicity(result: Comparison) -> str:
    """Families with their sizes, the gate, the level."""
    names = {"F1": "between groups", "F2": "within the treated", "F3": "within the reference"}
    sizes = result.table[result.table["family"] != ""].groupby("family")["family_size"].max()
    families = ", ".join(
        f"{family} {names[family]} ({_size(int(size), len(result.families[family]))})"
        for family, size in zip(sizes.index.astype(str), sizes, strict=True)
    )
    gate = ""
    if not result.between.empty and result.baseline is not None:
        gate = (
            " Within-group results carry stars only where the groups differed after adjustment."
            if result.options.gate
            else " Within-group results carry stars whether or not the groups differed."
        )
    drawn = result.table["seed"].dropna()
    seed = f" ({result.options.draws} draws, seed {drawn.iloc[0]})" if len(drawn) else ""
    how = _permutation(result) if result.options.adjust == "maxt" else ""
    return (
        f"Families of tests were declared beforehand: {families}; within each, "
        f"{ADJUST[result.options.adjust]}{seed}, and Benjamini-Hochberg q-values are given "
        f"beside. {how}"
        f"Tests are two-sided at {result.options.alpha:g}.{gate} Symbols: {STARS_LEGEND}."
    )


def _size(tested: int, declared: int) -> str:
    """How many tests were done, and of how many if some could not be."""
    return (
        f"{tested} test{'s' * (tested != 1)}"
        if tested == declared
        else f"{tested} of {declared} tests done"
    )


def _permutation(result: Comparison) -> str:
    """What was permuted for maxT, in a sentence; two groups are compared."""
    group = result.study.subjects["group"].to_numpy()
    treated = group != result.reference
    if flips_signs(treated, result.options):
        between = (
            "the signs of whole subjects' residuals were flipped within the groups, each group "
            "with a residual variance of its own"
        )
    else:
        between = "the group labels of whole subjects were permuted, within strata where declared"
    within = "; of changes within groups the signs were flipped"
    outside = (
        " Values out of range entered by Gehan scores, changes with such values by their direction "
        "where it is known."
        if _out(result)
        else ""
    )
    return (
        f"To compare groups {between}{within if result.baseline is not None else ''}.{outside} "
        "Adjusted p-values come from these rearrangements and not from the test of each row, so "
        "that they may lie below its unadjusted p. "
    )


def _limits(result: Comparison) -> list[str]:
    """What may not be concluded."""
    said = []
    if not result.between.empty and result.baseline is not None:
        said.append(
            "A significant change in one group beside a non-significant one in the other is not "
            "evidence of a difference between the groups; only the between-group comparison is."
        )
    elif result.between.empty:
        said.append("A change within a group has no comparator: it may have any cause.")
    said += list(result.guard)
    died = int(result.table["n_died"].max()) if len(result.table) else 0
    if died:
        said.append(
            "Subjects who died before the day have no value: the comparison among survivors is "
            "unbiased only if death depends on what was measured before, not on the unseen value."
        )
    said += [
        f"{one.message[0].upper()}{one.message[1:]}."
        for one in result.findings
        if one.code == "plate_confounded"
    ]
    said.append("Absence of significance is not evidence of absence: see the confidence intervals.")
    return said


def _noticed(result: Comparison) -> list[str]:
    """The findings on the data, a line per code; confounding stands with the limits."""
    lines = finding_lines(one for one in result.findings if one.code != "plate_confounded")
    if not lines:
        return []
    return ["## What was noticed in the data", "", *(f"- {line}" for line in lines), ""]


def _software() -> str:
    found = ", ".join(f"{name} {version(name)}" for name in _LIBRARIES)
    return f"cytokit {version('cytokit-luminex')} with {found}."
