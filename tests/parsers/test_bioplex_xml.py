"""Bio-Plex Manager's XML: readings, beads, units, curves, what is left unread."""

from __future__ import annotations

import math

import pytest

from cytokit.errors import FormatError
from cytokit.parsers.bioplex_xml import read_bioplex_xml
from cytokit.parsers.registry import recognise
from cytokit.plate import Plate
from cytokit.schema import WellType
from cytokit.sources.raw import RawFile

NAMES = {"12": "IL-6", "15": "TNF-α"}


def member(row: int, column: int, fi: float, obs: str) -> str:
    cells = "".join(
        f'<MWAnalyte RegionNumber="{region}"><AnalyteName>{name}</AnalyteName>'
        f'<Reading Valid="true" Code="0" OutlierType="None">{fi:.17E}</Reading>{obs}</MWAnalyte>'
        for region, name in NAMES.items()
    )
    return (
        f'<MemberWell RowNo="{row}" ColNo="{column}" WellNumber="1"><MWAnalytes>{cells}'
        "</MWAnalytes></MemberWell>"
    )


def observed(value: float, span: str = "InRange", ok: str = "true", error: str = "") -> str:
    return (
        f'<MWObsConc ReadingOK="{ok}" ReadError="{error}" RecoveryRange="{span}">'
        f"{value:.17E}</MWObsConc>"
    )


def sample(kind: str, label: str, members: str, expected: str = "", dilution: float = 1) -> str:
    level = f"<ExpectedConc>{expected}</ExpectedConc>" if expected else ""
    analytes = "".join(
        f'<Analyte RegionNumber="{region}"><AnalyteName>{name}</AnalyteName>'
        f"<ReplicateCount>2</ReplicateCount><RawMean>5.0E+001</RawMean>{level}"
        '<ObsConc RecoveryRange="InRange"><StdError>1.0</StdError>7.5</ObsConc></Analyte>'
        for region, name in NAMES.items()
    )
    return (
        f"<{kind}><Description /><Label>{label}</Label><Dilution>{dilution:.17E}</Dilution>"
        f"<Analytes>{analytes}</Analytes><MemberWells>{members}</MemberWells></{kind}>"
    )


def curve(region: str, inner: str, valid: str = "true") -> str:
    return (
        f'<Interpolator RegionNumber="{region}" External="false" IsValid="{valid}">'
        f"<AnalyteName>x</AnalyteName><ConcentrationUnits>pg/ml</ConcentrationUnits>"
        f'<WorkingRecoveryRange IsValid="{valid}" MinConc="1.5" MaxConc="900" />'
        f'<Regression Type="10">Logistic - 5PL</Regression>{inner}</Interpolator>'
    )


EQUATION = "<Equation>FI = -2.5 + (15000 + 2.5) / ((1 + (Conc / 800)^-1.1))^0.9</Equation>"
UNKNOWNS = sample("Unknown", "X1", member(3, 1, 80, observed(40)) + member(3, 2, 90, observed(44)))
STANDARDS = "".join(
    sample("Standard", f"S{i + 1}", member(1, i + 1, 9000 / 4**i, observed(0)), f"{1000 / 4**i}")
    for i in range(3)
)


def document(
    standards: str = STANDARDS, unknowns: str = UNKNOWNS, curves: str = "", extra: str = ""
) -> bytes:
    beads = "".join(
        f'<BeadRegion RegionNumber="{region}"><RegionCount>{count}</RegionCount>'
        "<Median>80</Median><Mean>81.5</Mean></BeadRegion>"
        for region, count in (("12", 60), ("15", 58), ("99", 3))
    )
    text = (
        '<?xml version="1.0" encoding="UTF-8"?><bpm:BioPlexManager xmlns:bpm="http://example/5" '
        'BioPlexManagerVersion="6.2.0.175"><NativeDocumentLocation>C:\\a\\run 5.srbx'
        "</NativeDocumentLocation><Wells>"
        f'<Well RowNo="3" ColNo="1" WellNo="25"><PlateID>P5</PlateID><BeadRegions>{beads}'
        "</BeadRegions><BeadEventData>0 1</BeadEventData></Well></Wells>"
        f"<StandardCurves><Interpolators>{curves}</Interpolators></StandardCurves>"
        "<Samples><Blanks>" + sample("Blank", "B", member(2, 1, 5, "")) + "</Blanks>"
        f"<Standards>{standards}</Standards><Unknowns>{unknowns}</Unknowns></Samples>{extra}"
        "</bpm:BioPlexManager>"
    )
    return text.encode()


def read(data: bytes) -> Plate:
    raw = RawFile("export.xml", data)
    assert recognise(raw).name == "bioplex_xml"
    (plate,) = read_bioplex_xml(raw)
    return plate


def test_readings_of_single_wells_with_means_and_beads_beside() -> None:
    plate = read(document())
    assert plate.name == "P5"
    assert plate.analytes[["analyte", "bead_id"]].to_numpy().tolist() == [
        ["IL-6", "12"],
        ["TNF-α", "15"],
    ]
    il6 = plate.wells[plate.wells["analyte"] == "IL-6"].set_index("well")
    assert list(il6.index) == ["B1", "A1", "A2", "A3", "C1", "C2"]
    assert list(il6["expected"].iloc[:4]) == [0, 1000, 250, 62.5]
    assert list(il6["mfi"].iloc[4:]) == [80, 90]
    assert il6.loc["C1", "bead_count"] == 60
    assert math.isnan(il6.loc["C2", "bead_count"])
    assert il6.loc["C1", "vendor_concentration"] == 40
    means = plate.statistics["Replicates: RawMean"]
    assert list(means["well"]) == ["B1", "A1", "A2", "A3", "C1,C2"]
    assert list(plate.statistics["Replicates: ObsConc"]["IL-6"]) == [7.5] * 5
    assert list(plate.statistics["Bead Mean"]["TNF-α"]) == [81.5]
    assert "no beads of 5 wells" in plate.findings[0].message


def test_units_and_curves_by_region() -> None:
    failure = "<EquationErr>Unable to calculate regression - no standards</EquationErr>"
    plate = read(document(curves=curve("12", EQUATION) + curve("15", failure, "false")))
    assert plate.unit("IL-6") == "pg/ml"
    found = plate.vendor_curves["IL-6"]
    assert (found.a, found.b, found.c, found.d, found.f) == (-2.5, 15000, 800, -1.1, 0.9)
    assert dict(found.statistics) == {"range_low": 1.5, "range_high": 900}
    said = [(f.analyte, f.message) for f in plate.findings if f.code == "no_vendor_curve"]
    assert said == [("TNF-α", "Unable to calculate regression - no standards")]


def test_statuses_of_the_vendor() -> None:
    tokens = (
        (observed(4, "NotInRange"), "extrapolated"),
        (observed(0, "NotInRange", "false", "OOR &lt;"), "oor_low"),
        (observed(0, "NotInRange", "false", "Value is above range"), "oor_high"),
        (observed(0, "NotInRange", "false", "Data field has not been set"), "not_available"),
    )
    unknowns = "".join(
        sample("Unknown", f"X{i}", member(4, i + 1, 50, token))
        for i, (token, _) in enumerate(tokens)
    )
    plate = read(document(unknowns=unknowns))
    wells = plate.wells[
        (plate.wells["analyte"] == "IL-6") & (plate.wells["well_type"] == "unknown")
    ]
    assert list(wells["vendor_status"]) == [status for _, status in tokens]


def test_zero_expected_concentrations_are_none() -> None:
    standards = sample("Standard", "S1", member(1, 1, 900, observed(0)), "0.0")
    plate = read(document(standards=standards))
    assert "no_expected" in [f.code for f in plate.findings]
    assert plate.of_type(WellType.STANDARD)["expected"].isna().all()


def test_outliers_and_invalid_readings() -> None:
    odd = member(3, 1, 80, "").replace(
        'Valid="true" Code="0" OutlierType="None"', 'Valid="false" Code="1" OutlierType="Manual"', 1
    )
    plate = read(document(unknowns=sample("Unknown", "X1", odd)))
    row = plate.wells[plate.wells["label"] == "X1"].iloc[0]
    assert math.isnan(row["mfi"])
    assert row["comment"] == "designated as an outlier; sampling errors: low bead number"


def test_unread_parts_are_named() -> None:
    lonely = curve("77", EQUATION)
    bare = curve("12", "<Coefficient>4</Coefficient>")
    plate = read(document(curves=lonely + bare, extra="<Surprise />"))
    names = [part.name for part in plate.unread]
    assert names == [
        *("Interpolator 77", "curve of IL-6 (12)", "Surprise", "Well/BeadEventData"),
        "bead regions 99",
    ]


@pytest.mark.parametrize("row", ["0", "17", "x", ""])
def test_wells_that_are_none_are_refused(row: str) -> None:
    data = document().replace(b'<MemberWell RowNo="2"', f'<MemberWell RowNo="{row}"'.encode())
    with pytest.raises(FormatError, match=f"CK-147: RowNo '{row}' and ColNo '1' name no well"):
        read_bioplex_xml(RawFile("export.xml", data))


def test_an_export_without_samples_is_refused() -> None:
    data = b"<bpm:BioPlexManager xmlns:bpm='u'><Samples /></bpm:BioPlexManager>"
    with pytest.raises(FormatError, match="CK-141"):
        read_bioplex_xml(RawFile("export.xml", data))


def test_entities_are_refused() -> None:
    data = document().replace(b"<bpm:Bio", b'<!DOCTYPE a [<!ENTITY b "c">]><bpm:Bio', 1)
    with pytest.raises(FormatError, match="CK-113"):
        read_bioplex_xml(RawFile("export.xml", data))
