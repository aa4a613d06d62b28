"""One entry of the catalogue of flags."""

from __future__ import annotations

from dataclasses import dataclass

from cytokit.vocabulary import Severity

INFO, WARN, FAIL = Severity.INFO, Severity.WARN, Severity.FAIL


@dataclass(frozen=True, slots=True)
class FlagText:
    """What a flag means and what to do about it.

    Parameters
    ----------
    severity : Severity
        How much it matters unless the rule says otherwise.
    title, meaning, action : str
        A few words, a sentence, and what the reader can do.
    holds_plate : bool
        Whether the plate is held for it even where its severity is a warning.
    needs_look : bool
        Whether a warning of this kind alone is a reason to look before the plate is reported.
    """

    severity: Severity
    title: str
    meaning: str
    action: str
    holds_plate: bool = False
    needs_look: bool = True
