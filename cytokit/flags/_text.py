"""One entry of the catalogue of flags."""

from __future__ import annotations

from dataclasses import dataclass

from cytokit.vocabulary import Severity

INFO, WARN, FAIL = Severity.INFO, Severity.WARN, Severity.FAIL


@dataclass(frozen=True, slots=True)
class FlagText:
    """What a flag means and what to do about it."""

    severity: Severity
    title: str
    meaning: str
    action: str
    holds_plate: bool = False
    needs_look: bool = True
