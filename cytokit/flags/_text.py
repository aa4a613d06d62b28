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
    """

    severity: Severity
    title: str
    meaning: str
    action: str
