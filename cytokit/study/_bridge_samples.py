"""Which readings may bridge plates, and whether they link all of them."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from cytokit.errors import (
    DesignError,
    NothingToDoError,
    Problem,
    UsageError,
    did_you_mean,
    option_text,
)
from cytokit.study._bridge_model import linked

#: how Python is told of bridge samples
BRIDGE_BY = "bridge=['A', 'B']"


def check_plates(shared: pd.DataFrame, plates: Sequence[str], reference: str) -> None:
    """There must be plates to bridge, told apart, and the reference one of them."""
    if "" in plates:
        mend = "give the table a plate column"
        raise DesignError(Problem("CK-578", "the data do not say on which plate", mend=mend))
    if len(plates) < 2:
        mend = "give the plates of the study together"
        what = f"there is one plate ({', '.join(plates) or 'none'}): nothing to bridge"
        raise NothingToDoError(Problem("CK-574", what, mend=mend))
    if reference and reference not in plates:
        mend = f"the plates are {', '.join(plates[:12])}"
        near = did_you_mean(reference, plates)
        raise UsageError(Problem("CK-576", f"there is no plate {reference!r}", "", mend, near))
    controls = shared[shared["control"]]
    twice = controls[controls.duplicated(["plate", "sample", "analyte"])]
    if len(twice):
        names = ", ".join(dict.fromkeys(twice["plate"]))
        mend = "fit these plates together, so that their names are told apart"
        what = f"several plates are called {names}: their readings cannot be told apart"
        raise DesignError(Problem("CK-575", what, mend=mend))


def bridge_samples(shared: pd.DataFrame, samples: Sequence[str]) -> pd.DataFrame:
    """The readings of the bridge samples."""
    if not samples:
        controls = shared[shared["control"]]
        on = controls.groupby("sample")["plate"].nunique()
        several = [str(name) for name, count in on.items() if count > 1]
        if not several:
            given = option_text("bridge_samples", "A,B", BRIDGE_BY)
            mend = f"name samples that were measured on several plates: {given}"
            raise DesignError(
                Problem("CK-574", "no control stands on more than one plate", mend=mend)
            )
        return controls[controls["sample"].isin(several)]
    known = list(dict.fromkeys(shared["sample"]))
    problems = []
    for name in dict.fromkeys(samples):
        plates = shared.loc[shared["sample"] == name, "plate"].nunique()
        if plates < 2:
            what = f"bridge sample {name!r} does not stand on several plates"
            mend = f"samples that do: {', '.join(known[:12]) or 'none'}"
            near = did_you_mean(name, known) if name not in known else ""
            problems.append(Problem("CK-573", what, mend=mend, near=near))
    if problems:
        raise DesignError(*problems)
    return shared[shared["sample"].isin(list(samples))]


def check_linked(chosen: pd.DataFrame, plates: Sequence[str]) -> None:
    """Every plate must share a bridge sample with the others, directly or by way of one."""
    groups = linked(list(chosen["plate"]), list(chosen["sample"]), plates)
    if len(groups) > 1:
        lone = "; ".join(", ".join(group) for group in groups[1:])
        what = f"no bridge sample links {lone} to the other {len(groups[0])} plates"
        mend = "name samples that stand on these plates too, or compare them apart"
        raise DesignError(Problem("CK-572", what, mend=mend))
