"""Analytes and units that are spelled in two ways over plates and tables.

A plate that says ``tnf`` and one that says ``TNF``, or ``IL-1α`` and ``IL-1a``, hold one analyte:
apart they would be two, each with half of the subjects. Names that stand together for one sample
are two analytes however alike they are. Both is said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from cytokit.findings import Finding
from cytokit.tables.columns import analyte_key, unit_key

_WHOSE = ["plate", "sample", "subject", "day"]


def joined_spellings(
    frames: Sequence[pd.DataFrame],
) -> tuple[dict[str, str], list[Finding]]:
    """Which analyte names are taken for which, over several sources.

    Parameters
    ----------
    frames : sequence of pandas.DataFrame
        Columns of :data:`cytokit.study._readings_frame.READING_COLUMNS`, one per source.

    Returns
    -------
    names : dict of str to str
        A name to the spelling that was read first; names that stay are not in it.
    findings : list of Finding
        One for each set of spellings: joined, or kept apart because a sample has several of them.

    Examples
    --------
    >>> def plate(name, analyte):
    ...     row = {"plate": name, "sample": "a", "subject": "", "day": "", "state": "exact"}
    ...     return pd.DataFrame([row | {"analyte": analyte}])
    >>> joined_spellings([plate("P1", "TNF-α"), plate("P2", "TNFa"), plate("P2", "IL-1b")])[0]
    {'TNFa': 'TNF-α'}
    """
    every: dict[str, None] = {}
    for frame in frames:
        every |= dict.fromkeys(frame["analyte"].unique().tolist())
    groups: dict[str, list[str]] = {}
    for name in every:
        groups.setdefault(analyte_key(name), []).append(name)
    names: dict[str, str] = {}
    findings = []
    for group in groups.values():
        if len(group) < 2:
            continue
        shown = " and ".join(map(repr, group))
        if any(_together(frame, group) for frame in frames):
            what = f"{shown} are kept apart: a sample has more than one of them"
            findings.append(Finding("analytes_alike", what, analyte=group[0]))
            continue
        names |= dict.fromkeys(group[1:], group[0])
        what = f"{shown} are taken for one analyte: they differ in spelling alone"
        findings.append(Finding("analytes_joined", what, analyte=group[0]))
    return names, findings


def _together(frame: pd.DataFrame, names: Sequence[str]) -> bool:
    """Whether some sample of a source has readings under more than one of the names."""
    mine = frame[frame["analyte"].isin(names) & (frame["state"] != "missing")]
    return bool(mine[[*_WHOSE, "analyte"]].drop_duplicates().duplicated(_WHOSE).any())


def renamed(frame: pd.DataFrame, names: Mapping[str, str]) -> pd.DataFrame:
    """A frame with its analytes under the names that are kept."""
    return frame.assign(analyte=frame["analyte"].replace(dict(names))) if names else frame


def one_spelling_of_units(frame: pd.DataFrame) -> pd.DataFrame:
    """A frame in which each unit is spelled as where it stands first."""
    first: dict[str, str] = {}
    for unit in frame["unit"].unique().tolist():
        first.setdefault(unit_key(unit), unit)
    spelled = {unit: first[unit_key(unit)] for unit in frame["unit"].unique().tolist()}
    return frame.assign(unit=frame["unit"].map(spelled))
