"""Whatever is done to a Bio-Plex or IS 2.3 export, it is read or refused by name: nothing else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cytokit.errors import CytokitError, Problem
from cytokit.parsers.registry import PARSERS
from cytokit.sources.raw import RawFile
from cytokit.tables.concentrations import read_concentrations

ANALYTE = """File Name: C:\\runs\\p.rbx
Analyte: IL-6 (19)
Plate ID:

Analyte\tType\tWell\tOutlier\tDescription\tFI\tFI - Bkgd\tObs Conc\tExp Conc\tDilution
IL-6 (19)\tB\tG1,H1\t0\t\t12.5\t12.5\t\t\t1.00
IL-6 (19)\tS1\tA1,B1\t0\t\t9000\t8987.5\t1001.2\t1000.00\t1.00
IL-6 (19)\teS2\tC1,D1\t1\t\t---\t---\t\t250.00\t1.00
IL-6 (19)\tX1\tA2\t0\tP1, d0\t80.5\t68\t*3.42\t\t4.00

*** = Value not available;   --- = Designated as an outlier
Regression Type: Logistic - 5PL
Std. Curve: FI = -0.27 + (14533.9 + 0.27) / ((1 + (Conc / 1030.4)^-0.96))^1.1
FitProb. = 0.3444, ResVar. = 1.0660
"""
STATISTIC = """File Name: p.rbx;;;
;;IL-6 (19);TNF (36)
Type;Well;FI;FI
B;G1,H1;12,5;3
S1;A1,B1;9000,5;8000
X1;A2;80,5;OOR <
"""
RAW = """File Name: p.rbx\t\t\t
Acquisition Date: 1-Jul-2024\t\t\t
Well\tType\tDescription\tIL-6 (19)\tTNF (36)\tRegion\tSampling Errors
A1\tS1\t\t15710,5 (52)\t12 (60)\t*319\t1,4
B1\tX1\tP1\t20 (150)\t--- (4)\t*812\t
"""
XML = """<?xml version="1.0"?><b:BioPlexManager xmlns:b="u"><Wells><Well RowNo="1" ColNo="1">
<PlateID>5</PlateID><BeadRegions><BeadRegion RegionNumber="12"><RegionCount>60</RegionCount>
</BeadRegion></BeadRegions></Well></Wells><StandardCurves><Interpolators>
<Interpolator RegionNumber="12" IsValid="true"><ConcentrationUnits>pg/ml</ConcentrationUnits>
<Regression>Logistic - 4PL</Regression><E>FI = 1 + (9 - 1) / (1 + (Conc / 5)^-1)</E></Interpolator>
</Interpolators></StandardCurves><Samples><Standards><Standard><Label>S1</Label><Analytes>
<Analyte RegionNumber="12"><AnalyteName>IL-6</AnalyteName><ExpectedConc>9</ExpectedConc></Analyte>
</Analytes><MemberWells><MemberWell RowNo="1" ColNo="1"><MWAnalytes><MWAnalyte RegionNumber="12">
<AnalyteName>IL-6</AnalyteName><Reading Valid="true" Code="1">7.5</Reading>
<MWObsConc ReadingOK="true">8</MWObsConc></MWAnalyte></MWAnalytes></MemberWell></MemberWells>
</Standard></Standards></Samples></b:BioPlexManager>
"""
IS23 = """"Program","Luminex 100 IS"
"Session","run"
"AssayLotInfo:"
"ProductName","LotName"
"Kit","207751"

"Results"

"DataType:","Median"
"Location","Sample","tau","IL-6","Total Events","Notes"
"1 (A1)","Background","11","9.5","365",""
"2 (B1)","St1","20492.5","90","322","dry"

"DataType:","Result"
"Location","Sample","tau","IL-6","Total Events","Notes"
"1 (A1)","Background","N/A","N/A","365",""
"2 (B1)","St1","1907.79 pg/mL","<4 pg/mL","322",""
"""
TABLE = """Sample,Day,Sex,IL-6 (pg/mL),TNFα [pg/mL],IL-6 LLOQ
s1,D0,f,<1.5,12.5,2
s2,D6,m,OOR <,>900,2
LOD,,,1.5,0.7,
s3,6,,4,*3,2
"""
FAMILIES = {
    "bioplex_analyte": ANALYTE,
    "bioplex_statistic": STATISTIC,
    "bioplex_raw": RAW,
    "bioplex_xml": XML,
    "is23": IS23,
}
Found = TypeVar("Found")
SIGNS = '\t;,"<>*.-0eE(){}=\nµ\x00'

edits = st.lists(
    st.tuples(
        st.sampled_from(["cut", "put", "drop line", "double line", "swap lines", "delimiter"]),
        st.integers(0, 5000),
        st.integers(0, 60),
    ),
    min_size=1,
    max_size=4,
)


def damaged(text: str, changes: list[tuple[str, int, int]]) -> str:
    for kind, where, size in changes:
        at = where % (len(text) + 1)
        lines = text.split("\n")
        line = where % len(lines)
        if kind == "cut":
            text = text[:at] + text[at + size :] if size else text[:at]
        elif kind == "put":
            text = text[:at] + SIGNS[size % len(SIGNS)] + text[at + 1 :]
        elif kind == "delimiter":
            text = text.replace(SIGNS[size % 3], SIGNS[where % 3])
        else:
            other = size % len(lines)
            copy = {"drop line": [], "double line": [lines[line]] * 2, "swap lines": [lines[other]]}
            lines[line : line + 1] = copy[kind]
            text = "\n".join(lines)
    return text


def outcome(read: Callable[[], list[Found]]) -> tuple[list[Found], tuple[Problem, ...]]:
    """What was read, or why it was not; any other exception fails the test."""
    try:
        return read(), ()
    except CytokitError as error:
        return [], error.problems


@pytest.mark.parametrize("family", FAMILIES)
@given(changes=edits, encoding=st.sampled_from(["utf-8", "cp1252", "utf-16"]))
@settings(deadline=None, derandomize=True, max_examples=40)
def test_damage_is_read_or_refused(
    family: str, changes: list[tuple[str, int, int]], encoding: str
) -> None:
    parser = PARSERS[family]
    data = damaged(FAMILIES[family], changes).encode(encoding, "replace")
    raw = RawFile("damaged", data)
    found, problems = outcome(lambda: parser.read(raw) if parser.sniff(raw) else [])
    assert all(len(plate.wells) for plate in found)
    assert all(problem.code and problem.where for problem in problems)


@given(changes=edits)
@settings(deadline=None, derandomize=True, max_examples=40)
def test_damaged_tables_are_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[str, int, int]]
) -> None:
    path: Path = tmp_path_factory.getbasetemp() / "damaged.csv"
    path.write_bytes(damaged(TABLE, changes).encode("utf-8", "replace"))
    found, problems = outcome(lambda: [read_concentrations(path)])
    assert all(len(table.frame) for table in found)
    assert all(problem.code and problem.where for problem in problems)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_undamaged_exports_are_read(family: str) -> None:
    raw = RawFile("whole", FAMILIES[family].encode())
    assert PARSERS[family].sniff(raw)
    (plate,) = PARSERS[family].read(raw)
    assert plate.wells["mfi"].notna().any()
