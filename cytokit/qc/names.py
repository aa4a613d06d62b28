"""What the series are called, for messages and charts."""

from __future__ import annotations

#: by the series' code: words that follow the analyte's name
SERIES_WORDS = {
    "control": "control",
    "standard_recovery": "recovery of",
    "standard_mfi": "MFI of",
    "blank_mfi": "MFI of the blanks",
    "lower": "lower asymptote",
    "upper": "upper asymptote",
    "inflection": "midpoint",
    "slope": "slope",
    "asymmetry": "asymmetry",
    "s0": "constant noise s0",
    "cv": "proportional noise cv",
    "lloq": "LLOQ",
}


def series_name(analyte: str, series: str, level: str = "") -> str:
    """A series in words.

    Examples
    --------
    >>> series_name("IL-6", "control", "Control1"), series_name("IL-6", "lloq")
    ('IL-6, control Control1', 'IL-6, LLOQ')
    """
    return f"{analyte}, {SERIES_WORDS[series]} {level}".rstrip()
