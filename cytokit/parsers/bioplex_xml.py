"""Bio-Plex Manager's XML (6.x).

``Samples`` holds what each well is and every reading; ``Wells`` the beads of each well (an export
may hold fewer wells there); ``StandardCurves`` units, regression and equations. Readings are those
of single wells; the means of replicates stand under ``statistics`` as ``Replicates: ...``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from xml.etree.ElementTree import Element

from cytokit.errors import Problem, place
from cytokit.flags import Finding
from cytokit.parsers.bioplex import (
    BIOPLEX_RUN,
    BioplexRecord,
    Contents,
    CurveText,
    assemble,
    is_curve_line,
    take_line,
)
from cytokit.parsers.registry import parser
from cytokit.plate import Plate, Unread, normal_well
from cytokit.sources.raw import RawFile

_ROOT = re.compile(r"<(?:\w+:)?BioPlexManager\b")
_SAMPLES = {"Blanks": "B", "Standards": "S", "Controls": "C", "Unknowns": "X"}
_HEADER = ("NativeDocumentName", "AuthorName", "AssayLotID", "Description")
_WELL_TEXTS = {"PlateID": "Plate ID", "AcquisitionTime": "Acquisition Date"}
_READ_IN_WELL = (*_WELL_TEXTS, "BeadRegions", "MachineInfo")
_READ_AT_ROOT = (*_HEADER, "NativeDocumentLocation", "Wells", "StandardCurves", "Samples")

#: (well, bead region) -> what the beads of this region showed
Beads = dict[tuple[str, str], dict[str, str]]


def _is_xml(raw: RawFile) -> bool:
    """Whether the root element is Bio-Plex Manager's."""
    return raw.kind == "xml" and _ROOT.search(raw.text[:4096]) is not None


@parser(
    "bioplex_xml",
    "Bio-Plex Manager, XML",
    sniff=_is_xml,
    weights="bioplex",
    run=BIOPLEX_RUN,
)
def read_bioplex_xml(raw: RawFile) -> list[Plate]:
    """Read the plate."""
    root = raw.xml
    contents = Contents()
    contents.header.update(_header(root))
    beads = _beads(root, contents, raw)
    regions: dict[str, str] = {}
    for group, letter in _SAMPLES.items():
        for holder in _children(root, "Samples", group):
            for sample in holder:
                _read_sample(sample, letter, beads, regions, contents, raw)
    _read_curves(root, regions, contents)
    counted = {well for well, _ in beads}
    without = {well for record in contents.records for well in record.wells} - counted
    if counted and without:
        message = f"the export holds no beads of {len(without)} wells: their counts are unknown"
        contents.findings.append(Finding("missing_value", message))
    contents.unread.extend(_unread(root, raw))
    strangers = sorted({region for _, region in beads} - set(regions), key=lambda r: (len(r), r))
    if strangers:
        reason = "beads of regions that belong to no analyte of this plate"
        unread = Unread(f"bead regions {', '.join(strangers)}", place(raw.path), reason)
        contents.unread.append(unread)
    return [assemble(raw, "bioplex_xml", contents)]


def _name(element: Element) -> str:
    """The tag without its namespace."""
    return element.tag.rsplit("}", 1)[-1].rsplit(":", 1)[-1]


def _children(element: Element, *path: str) -> list[Element]:
    """The elements at the end of a path of names."""
    found = [element]
    for name in path:
        found = [child for parent in found for child in parent if _name(child) == name]
    return found


def _text(element: Element, *path: str) -> str:
    """The first such element's text, with what stands after its own children."""
    for found in _children(element, *path):
        parts = [found.text or "", *((child.tail or "") for child in found)]
        return "".join(parts).strip()
    return ""


def _header(root: Element) -> dict[str, str]:
    header = {key: value for key, value in root.attrib.items() if not key.startswith("xmlns")}
    header |= {name: _text(root, name) for name in _HEADER}
    header["File Name"] = _text(root, "NativeDocumentLocation")
    for well in _children(root, "Wells", "Well")[:1]:
        header |= {key: _text(well, name) for name, key in _WELL_TEXTS.items()}
        for leaf in _children(well, "MachineInfo"):
            header |= {_name(child): (child.text or "").strip() for child in leaf}
    return header


def _well(element: Element, raw: RawFile, contents: Contents) -> str | None:
    """The well of an element with RowNo and ColNo; what is none becomes a problem."""
    row, column = element.get("RowNo", ""), element.get("ColNo", "")
    well = None
    if row.isascii() and row.isdigit() and 1 <= int(row) <= 16:
        well = normal_well(f"{chr(ord('A') + int(row) - 1)}{column}")
    if well is None:
        what = f"RowNo {row!r} and ColNo {column!r} name no well"
        mend = "export the plate again; the file may be damaged"
        where = place(raw.path, column=f"<{_name(element)}>")
        contents.problems.append(Problem("CK-147", what, where, mend))
    return well


def _beads(root: Element, contents: Contents, raw: RawFile) -> Beads:
    """Bead counts and statistics by well and region."""
    beads: Beads = {}
    for element in _children(root, "Wells", "Well"):
        well = _well(element, raw, contents)
        if well is None:
            continue
        for region in _children(element, "BeadRegions", "BeadRegion"):
            values = {_name(child): (child.text or "").strip() for child in region}
            beads[well, region.get("RegionNumber", "")] = values
    return beads


def _read_sample(
    sample: Element,
    letter: str,
    beads: Beads,
    regions: dict[str, str],
    contents: Contents,
    raw: RawFile,
) -> None:
    """One sample: a record per member well and analyte, and one per analyte for the means."""
    label = _text(sample, "Label") or letter
    shared = {
        "Description": _text(sample, "Description"),
        "Dilution": _text(sample, "Dilution"),
    }
    expected: dict[str, str] = {}
    members = [
        (well, member)
        for member in _children(sample, "MemberWells", "MemberWell")
        if (well := _well(member, raw, contents)) is not None
    ]
    wells = tuple(well for well, _ in members)
    where = place(raw.path, sample=label)
    for analyte in _children(sample, "Analytes", "Analyte"):
        region = analyte.get("RegionNumber", "")
        expected[region] = _text(analyte, "ExpectedConc")
        if wells:
            name = _printed(analyte, region, regions)
            means = dict(_means(analyte))
            contents.means.append(BioplexRecord(name, label, wells, means, where))
    for well, member in members:
        for reading in _children(member, "MWAnalytes", "MWAnalyte"):
            region = reading.get("RegionNumber", "")
            name = _printed(reading, region, regions)
            bead = beads.get((well, region), {})
            cells = {**shared, "Exp Conc": expected.get(region, ""), **_cells(reading, bead)}
            contents.records.append(BioplexRecord(name, label, (well,), cells, where))


def _printed(element: Element, region: str, regions: dict[str, str]) -> str:
    """``name (region)`` as the other exports print it; one name per region."""
    return regions.setdefault(region, f"{_text(element, 'AnalyteName')} ({region})")


def _cells(reading: Element, bead: dict[str, str]) -> dict[str, object]:
    """One member well's reading of one analyte, under the titles of the other exports."""
    cells: dict[str, object] = {"FI": _text(reading, "Reading")}
    for element in _children(reading, "Reading"):
        cells["Sampling Errors"] = element.get("Code", "")
        outlier = element.get("OutlierType", "None") not in ("", "None")
        cells["Outlier"] = "1" if outlier else "0"
        if element.get("Valid", "true") != "true":
            cells["FI"] = "***"
    for element in _children(reading, "MWObsConc"):
        cells["Obs Conc"] = _observed(element)
    cells["Bead Count"] = bead.get("RegionCount", "")
    known = ("RegionCount", "Median")
    return cells | {f"Bead {name}": text for name, text in bead.items() if name not in known}


def _observed(element: Element) -> str:
    """The vendor's concentration as the token that its other exports print."""
    value = (element.text or "").strip()
    if element.get("ReadingOK", "true") == "true":
        inside = element.get("RecoveryRange", "InRange") != "NotInRange"
        return value if inside else f"*{value}"
    error = element.get("ReadError", "").casefold()
    if any(word in error for word in ("oor <", "oor<", "below")):
        return "OOR <"
    return "OOR >" if any(word in error for word in ("oor >", "oor>", "above")) else "***"


def _means(analyte: Element) -> Iterator[tuple[str, str]]:
    """What is printed for the replicates together."""
    for child in analyte:
        name = _name(child)
        if name != "AnalyteName":
            yield name, _text(analyte, name)
        if name == "ObsConc":
            yield from ((f"ObsConc {_name(leaf)}", (leaf.text or "").strip()) for leaf in child)


def _read_curves(root: Element, regions: dict[str, str], contents: Contents) -> None:
    """Units, regressions and equations by bead region."""
    for curve in _children(root, "StandardCurves", "Interpolators", "Interpolator"):
        region = curve.get("RegionNumber", "")
        printed = regions.get(region)
        if printed is None:
            reason = "a curve of a bead region without readings"
            contents.unread.append(Unread(f"Interpolator {region}", "StandardCurves", reason))
            continue
        contents.units[printed] = _text(curve, "ConcentrationUnits")
        lines = take_line(CurveText(), f"Regression Type: {_text(curve, 'Regression')}")
        prefix = "Ext Std Curve" if curve.get("External") == "true" else "Std Curve"
        for leaf in curve.iter():
            text = (leaf.text or "").strip()
            if text.startswith("FI") and "=" in text:
                lines = take_line(lines, f"{prefix}: {text}")
            elif is_curve_line(text):
                lines = take_line(lines, text)
        if error := _text(curve, "EquationErr"):
            lines = take_line(lines, f"Std Curve: {error}")
        for found in _children(curve, "WorkingRecoveryRange"):
            if found.get("IsValid") == "true":
                span = f"{found.get('MinConc', '')} to {found.get('MaxConc', '')}"
                lines = take_line(lines, f"Conc in range = {span}")
        if curve.get("IsValid") == "true" and not lines.equation:
            reason = "a valid curve whose equation is not written as text"
            contents.unread.append(Unread(f"curve of {printed}", "StandardCurves", reason))
        contents.curves[printed] = lines


def _unread(root: Element, raw: RawFile) -> Iterator[Unread]:
    """Parts of the file that the plate does not hold, by name."""
    parts = Counter(_name(child) for child in root if _name(child) not in _READ_AT_ROOT)
    for name, count in parts.items():
        yield Unread(name, place(raw.path), f"{count} such part, not needed for the readings")
    inside = Counter(
        _name(child)
        for well in _children(root, "Wells", "Well")
        for child in well
        if _name(child) not in _READ_IN_WELL
    )
    for name, count in inside.items():
        yield Unread(f"Well/{name}", place(raw.path), f"kept by {count} wells; not a reading")
    for part in _children(root, "Samples"):
        for child in part:
            if _name(child) not in _SAMPLES:
                yield Unread(f"Samples/{_name(child)}", place(raw.path), "an unknown kind")
