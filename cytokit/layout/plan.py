"""Layout: the wells a plan speaks of, and the words it may use."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from cytokit.layout.lots import Lots
from cytokit.plate import Unread
from cytokit.vocabulary import WellType

#: Key of an expected concentration that holds for every analyte.
ALL_ANALYTES = ""
#: What a property may be called, without blanks, underscores and capitals.
PROPERTIES: dict[str, str] = {
    **dict.fromkeys(("well", "wells", "welllocation", "position", "wellposition"), "well"),
    **dict.fromkeys(("sample", "samples", "samplename", "sampleid", "name", "names"), "sample"),
    **dict.fromkeys(("type", "welltype", "sampletype"), "type"),
    **dict.fromkeys(("dilution", "dilutions", "dilutionfactor", "dil", "dil."), "dilution"),
    **dict.fromkeys(("expected", "expectedconcentration", "expconc"), "expected"),
    **dict.fromkeys(("plate", "platename", "plateid"), "plate"),
}
#: What a column or a grid is titled.
TITLES = ("sample", "type", "dilution", "expected")
#: What a well type may be called.
TYPE_WORDS: dict[str, WellType] = {
    **dict.fromkeys(("standard", "std", "s", "st", "calibrator"), WellType.STANDARD),
    **dict.fromkeys(("blank", "b", "background", "bkg", "zero"), WellType.BLANK),
    **dict.fromkeys(("control", "c", "ctrl", "qc", "qualitycontrol"), WellType.CONTROL),
    **dict.fromkeys(("unknown", "x", "u", "sample", "patient", "test"), WellType.UNKNOWN),
}
_NAME_TYPES = (
    (re.compile(r"b\d*|blank\s*\d*|background\s*\d*", re.IGNORECASE), WellType.BLANK),
    (re.compile(r"s\d+|std\s*\d+|standard\s*\d+", re.IGNORECASE), WellType.STANDARD),
    (re.compile(r"c\d+|control\d+|qc\s*\d+", re.IGNORECASE), WellType.CONTROL),
)
#: Names that may be those of a blank, standard or control, but of a sample as well.
_LIKELY = (
    (re.compile(r"(?:b|bl|bkg|bg|blk)\d*|(?:blank|background).*"), WellType.BLANK),
    (
        re.compile(r"(?:s|st|std)\d*|(?:s|st|std|standard) ?\d{1,2}(?:[ _][^\W\d].*)?"),
        WellType.STANDARD,
    ),
    (re.compile(r"(?:c|ctrl|qc)\d*|control \d+|qc ?\d+"), WellType.CONTROL),
)
_ENDS_AS_STANDARD = re.compile(r"(?:standard|std|calibrator)[ _-]?\d{1,2}$")
#: Longer names are no codes.
_LONGEST_NAME = 80


@dataclass(frozen=True, slots=True)
class WellPlan:
    """What a layout says of one well; what it does not say is empty or None.

    Parameters
    ----------
    well : str
        Normalised, ``A1``.
    plate : str
        The plate's name or its file's stem; empty for every plate.
    sample : str
    well_type : WellType, optional
    dilution_factor : float, optional
        At least 1.
    expected : mapping of str to float
        Concentration at the bead by analyte; the key ``""`` holds for every analyte.
    bare : mapping of str to float
        Cells of columns titled with a bare name, which counts if it is an analyte of the plate;
        NaN where a cell holds no number.
    """

    well: str
    plate: str = ""
    sample: str = ""
    well_type: WellType | None = None
    dilution_factor: float | None = None
    expected: Mapping[str, float] = field(default_factory=dict)
    bare: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Layout:
    """A plate map.

    Parameters
    ----------
    path, sha256 : str
        Of the file.
    wells : tuple of WellPlan
    expected : mapping of str to mapping of str to float
        Expected concentrations by sample name, then by analyte.
    unread : tuple of Unread
        Sheets and columns that were not used.
    lots : Lots, optional
        What each kit lot's standards should read, where the file is a lots file of IS 2.3.
    sheets : tuple of str
        The plates of a layout with a sheet (or titled grid) for each; one of them must be asked
        for by its name.
    """

    path: str
    sha256: str
    wells: tuple[WellPlan, ...]
    expected: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    unread: tuple[Unread, ...] = ()
    lots: Lots | None = None
    sheets: tuple[str, ...] = ()


def word_key(text: str) -> str:
    """A word without blanks, underscores, dashes and capitals."""
    return re.sub(r"[\s_\-]+", "", text).casefold()


def property_of(title: str) -> tuple[str, str] | None:
    """A column's or grid's property and, for expected concentrations, its analyte.

    Examples
    --------
    >>> property_of("Dilution factor"), property_of("expected: IL-6"), property_of("IL-6")
    (('dilution', ''), ('expected', 'IL-6'), None)
    """
    known = PROPERTIES.get(word_key(title))
    if known is not None:
        return known, ALL_ANALYTES
    match = re.fullmatch(r"expected(?:\s+concentration)?[\s:]+(\S.*)", title, re.IGNORECASE)
    return ("expected", match[1].strip()) if match else None


def type_of_name(sample: str) -> WellType | None:
    """The type that a code such as ``B``, ``S1`` or ``Control2`` means in a layout."""
    for pattern, well_type in _NAME_TYPES:
        if pattern.fullmatch(sample):
            return well_type
    return None


def likely_type(sample: str) -> WellType | None:
    """The type that a name suggests and does not prove, to be looked at by a person.

    Examples
    --------
    >>> [str(likely_type(name)) for name in ("S10 Pk", "African-Mix-Standard03", "Blank Mix")]
    ['standard', 'standard', 'blank']
    >>> likely_type("Normoxia Control 1"), likely_type("S10-024")
    (None, None)
    """
    name = " ".join(sample[: _LONGEST_NAME + 1].split()).casefold()
    if len(name) > _LONGEST_NAME:
        return None
    for pattern, well_type in _LIKELY:
        if pattern.fullmatch(name):
            return well_type
    return WellType.STANDARD if _ENDS_AS_STANDARD.search(name) else type_of_name(sample)
