"""Simulate, write, read: every family gives back every plate, whatever its shape and names.

What a family has no place for is declared once, in ``FAMILIES``; everything else must come back
equal, and what is declared lost must come back as absent, not as something else.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from cytokit.parsers.is23 import read_is23
from cytokit.parsers.read import read_plate
from cytokit.parsers.registry import PARSERS, recognise
from cytokit.plate import PLATE_SHAPES, Plate, SourceInfo, VendorCurve, make_wells
from cytokit.schema import ANALYTE_COLUMNS, PLATE_COLUMNS, VendorStatus, WellType
from cytokit.simulate.exports import (
    WRITERS,
    csv_bytes,
    instrument,
    intelliflex_rows,
    write_bioplex_statistic,
    write_lots,
    write_xponent,
)
from cytokit.simulate.trials import PlatePlan, panel, simulate_plate
from cytokit.sources.raw import RawFile

ALL_STATUSES = tuple(VendorStatus)
TELLING = ("vendor_concentration", "vendor_status", "vendor_limit", "vendor_recovery_pct")


@dataclass(frozen=True)
class Family:
    """What one family carries.

    ``lost``: columns it has no place for, which read as absent. ``own_names``: standards and blanks
    go by the family's own names (``codes``: Bio-Plex replaces them by type codes). ``remarks``: on
    single readings as free text, one per well, none but the vendor's own signs, or none at all.
    ``digits``: significant digits of numbers; ``curve``: how the curve's numbers are printed.
    """

    parser: str
    write: Callable[[Plate], bytes]
    lost: tuple[str, ...] = ()
    statuses: tuple[VendorStatus, ...] = ALL_STATUSES
    own_names: bool = False
    codes: bool = False
    remarks: str = "none"
    digits: int = 17
    curve: str = ""
    curve_statistics: tuple[str, ...] = ()
    expected_controls: bool = True


BLOCKS = Family(
    "xponent",
    WRITERS["xponent"].write,
    statuses=tuple(s for s in VendorStatus if s is not VendorStatus.OUTLIER),
    remarks="reading",
    curve="",
    curve_statistics=("r2",),
)
WIDE = Family(
    "intelliflex",
    WRITERS["intelliflex-wide"].write,
    lost=("expected", "expected_low", "expected_high", *TELLING, "comment", "unit", "min_beads"),
)
BIOPLEX = Family(
    "bioplex_analyte",
    WRITERS["bioplex"].write,
    lost=("expected_low", "expected_high", "vendor_limit", "unit", "min_beads"),
    codes=True,
    remarks="signs",
    digits=16,
    curve=".6g",
    curve_statistics=("fit_prob", "res_var", "range_low", "range_high"),
)
STATISTIC = replace(
    BIOPLEX,
    parser="bioplex_statistic",
    write=WRITERS["bioplex-statistic"].write,
    remarks="outliers",
)


def write_short(plate: Plate) -> bytes:
    """INTELLIFLEX rows with the fewest columns that instruments write."""
    return csv_bytes(intelliflex_rows(plate, instrument("2.1"), {}, (), end=()))


FAMILIES = {
    "xponent": BLOCKS,
    "intelliflex": replace(BLOCKS, parser="intelliflex_blocks", write=WRITERS["intelliflex"].write),
    "intelliflex-wide": WIDE,
    "intelliflex-short": replace(WIDE, write=write_short),
    "bioplex": BIOPLEX,
    "bioplex-statistic": STATISTIC,
    "bioplex-statistic-comma": replace(
        STATISTIC, write=partial(write_bioplex_statistic, decimal=","), digits=17
    ),
    "is23": Family(
        "is23",
        WRITERS["is23"].write,
        lost=("dilution_factor", "vendor_recovery_pct", "bead_id", "min_beads"),
        statuses=(
            VendorStatus.IN_RANGE,
            VendorStatus.OOR_LOW,
            VendorStatus.OOR_HIGH,
            VendorStatus.NOT_AVAILABLE,
            VendorStatus.NOT_GIVEN,
        ),
        own_names=True,
        remarks="well",
        expected_controls=False,
    ),
}
#: vendor curves have no place in these at all
NO_CURVES = ("intelliflex-wide", "intelliflex-short", "is23")

#: names as users and kits write them, and names that only an attacker or an accident writes
NAMES = (
    "IL-1,2", "a,b;c|d", 'IL-6 "high"', '"', '","', '"",""', "'quoted'", "TNF-α", "IL-1β/IL-1F2",
    "IFN-γ", "µ", "=1+1", "=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "a b  c", "[IL-6]",
    "IL-12 (p70)", "IL-6 (19)", "(7)", "x" * 300, "../../etc/passwd", "C:\\plates\\x", "50 %",
    "#REF!", "1", "1e5", "12,5", "0,25", "-", "--", "日本", "🧬" * 20, "_x0041_", "<b>&amp;</b>",
    "History", "x:y: z", "nan", "CRC 7", "CRC", "Total", "Analyte", "Units:",
    "Normoxia Control 1", "Blank Mix", "Type", "\\", "`", "{{7*7}}", "a\u00a0b", "ﬁ", "İ", "ß",
)  # fmt: skip
#: how acquisition software calls blanks, standards and controls: no user's sample does
_TAKEN = ("background", "blank", "standard", "std", "st", "control", "con")
REMARKS = ("", 'low beads, "again"', "=1+1", "µ; ok")
SAMPLING_ERRORS = ("", "sampling errors: low bead number", "sampling errors: aggregated beads")


def _is_free(name: str) -> bool:
    """Whether a name is stripped, and none of the acquisition software's own."""
    bare = name.casefold().rstrip("0123456789 ")
    return bool(name) and name == name.strip() and bare not in _TAKEN and name[:3] != "Con"


def _is_an_analytes(name: str) -> bool:
    """Whether no column of an export and no empty cell is called so (writers refuse those)."""
    return name.casefold() not in ("location", "sample", "plate", "notes", "nan")


texts = st.text(
    st.characters(codec="utf-8", exclude_categories=["C", "Zl", "Zp"]), min_size=1, max_size=40
)
names = st.one_of(st.sampled_from(NAMES), texts).filter(_is_free)


@dataclass(frozen=True)
class Shape:
    """What a generated plate looks like; ``regions`` are drawn where none are given."""

    size: int
    wells: int
    analytes: tuple[str, ...]
    samples: tuple[str, ...]
    plate: str
    seed: int
    vendor: bool
    controls: int = 2
    levels: int = 4
    regions: tuple[str, ...] = ()


@st.composite
def shapes(draw: st.DrawFn) -> Shape:
    size = draw(st.sampled_from([96, 384]))
    count = draw(st.sampled_from([1, 1, 2, 3, 5, 9]))
    analytes = draw(
        st.lists(names.filter(_is_an_analytes), min_size=count, max_size=count, unique=True)
    )
    levels, controls = draw(st.integers(2, 5)), draw(st.integers(0, 2))
    samples = draw(st.lists(names, min_size=levels + controls + 2, max_size=14, unique=True))
    return Shape(
        size=size,
        wells=draw(st.integers(2 * len(samples), 40)),
        analytes=tuple(analytes),
        samples=tuple(samples),
        plate=draw(names),
        seed=draw(st.integers(0, 2**32)),
        vendor=draw(st.booleans()),
        controls=controls,
        levels=levels,
    )


def make_plate(family: Family, shape: Shape) -> Plate:
    """A plate of random readings as the family would hold it, results and remarks included."""
    rng = np.random.default_rng(shape.seed)
    curves = {name: _curve(family, rng) for name in shape.analytes}
    bearers = [name for name in shape.analytes if rng.random() < 0.8] if shape.vendor else []
    rows: list[dict[str, Any]] = []
    for well, sample, kind, dilution, level in _wells(family, shape, rng):
        remark = str(rng.choice(REMARKS)) if family.remarks == "well" else ""
        for name in shape.analytes:
            row = _reading(family, rng, curves[name], kind, dilution, level)
            if shape.vendor:
                row |= _result(family, rng, kind, dilution, row)
            row |= {"well": well, "sample": sample, "well_type": str(kind), "analyte": name}
            row["dilution_factor"] = dilution
            row["comment"] = remark or _comment(family, rng, row)
            del row["x"]
            rows.append(row)
    count = len(shape.analytes)
    units = rng.choice(["pg/mL", "ng/mL", "AU/mL", "IU/mL"], size=count)
    regions = shape.regions or rng.permutation(np.arange(1, 500))[:count].tolist()
    declared = [
        (name, str(region), str(unit), 50.0)
        for name, region, unit in zip(shape.analytes, regions, units, strict=True)
    ]
    return Plate(
        name=shape.plate,
        source=SourceInfo("simulated", "", "simulated"),
        wells=make_wells(rows),
        analytes=pd.DataFrame(declared, columns=list(ANALYTE_COLUMNS)),
        vendor_curves={name: curves[name] for name in bearers},
    )


def _wells(
    family: Family, shape: Shape, rng: np.random.Generator
) -> list[tuple[str, str, WellType, float, int]]:
    """Well, sample, type, dilution and level: replicates anywhere, holes everywhere else."""
    rows, columns = PLATE_SHAPES[shape.size]
    places = [f"{chr(65 + i % rows)}{i // rows + 1}" for i in range(rows * columns)]
    chosen = [places[i] for i in sorted(rng.permutation(len(places))[: shape.wells])]
    samples = [("Background0", WellType.BLANK)]
    kinds = [WellType.STANDARD] * shape.levels + [WellType.CONTROL] * shape.controls
    for i, sample in enumerate(shape.samples):
        kind = kinds[i] if i < len(kinds) else WellType.UNKNOWN
        own = family.own_names and kind is not WellType.UNKNOWN
        samples.append((f"{str(kind).capitalize()}{i + 1}" if own else sample, kind))
    factors = {sample: float(rng.choice([1, 2, 2.5, 50, 1e4])) for sample, _ in samples}
    laid = [samples[i % len(samples)] for i in range(len(chosen))]
    order = rng.permutation(len(laid))
    return [
        (
            well,
            laid[i][0],
            laid[i][1],
            factors[laid[i][0]] if laid[i][1] in (WellType.CONTROL, WellType.UNKNOWN) else 1.0,
            i % len(samples),
        )
        for well, i in zip(chosen, order, strict=True)
    ]


def _curve(family: Family, rng: np.random.Generator) -> VendorCurve:
    """A curve whose numbers have as many digits as the family prints."""
    form = family.curve or ".17g"
    a, b, c, d, f = (
        float(format(value, form))
        for value in (
            rng.normal(0, 5), rng.uniform(5e3, 3e4), rng.uniform(20, 2e3), -rng.uniform(0.7, 1.6),
            rng.choice([1.0, rng.uniform(0.5, 2)]),
        )
    )  # fmt: skip
    known = {"r2": 0.987654321, "fit_prob": 0.3444, "res_var": 1.066, "range_low": 2.5,
             "range_high": 10500.5}  # fmt: skip
    return VendorCurve(
        "Logistic - 5PL", a, b, c, d, f, {key: known[key] for key in family.curve_statistics}
    )


def _reading(
    family: Family,
    rng: np.random.Generator,
    curve: VendorCurve,
    kind: WellType,
    dilution: float,
    level: int,
) -> dict[str, Any]:
    x = float(curve.c * rng.uniform(0.05, 3))
    net = curve.a + (curve.b - curve.a) / (1 + (x / curve.c) ** curve.d) ** curve.f
    row: dict[str, Any] = {
        "x": x,
        "mfi": float(np.round(2 * net) / 2 + 20 if rng.random() < 0.7 else net + 20.1),
        "net_mfi": net,
        "bead_count": float(rng.integers(0, 200)),
    }
    if rng.random() < 0.05:
        row |= {"mfi": math.nan, "net_mfi": math.nan, "bead_count": math.nan}
    if kind is WellType.BLANK:
        row["expected"] = 0.0
    elif kind is WellType.STANDARD:
        row["expected"] = 12_345.678 / 3.7**level
    elif kind is WellType.CONTROL:
        value = 100.7 * level
        row |= {"expected_low": 0.7 * value, "expected_high": 1.3 * value}
        if family.expected_controls:
            row["expected"] = value
    return row


def _result(
    family: Family,
    rng: np.random.Generator,
    kind: WellType,
    dilution: float,
    row: dict[str, Any],
) -> dict[str, Any]:
    status = VendorStatus.IN_RANGE
    if rng.random() < 0.5:
        status = family.statuses[rng.integers(len(family.statuses))]
    found: dict[str, Any] = {"vendor_status": str(status)}
    if status in (VendorStatus.IN_RANGE, VendorStatus.EXTRAPOLATED):
        if math.isnan(row["net_mfi"]):
            return {"vendor_status": str(VendorStatus.NOT_AVAILABLE)}
        found["vendor_concentration"] = row["x"] * dilution
    elif status in (VendorStatus.OOR_LOW, VendorStatus.OOR_HIGH) and rng.random() < 0.8:
        found["vendor_limit"] = float(rng.choice([3.2, 10_000.0, 0.00123]))
    if kind in (WellType.STANDARD, WellType.CONTROL) and rng.random() < 0.8:
        found["vendor_recovery_pct"] = float(rng.uniform(50, 200))
    return found


def _comment(family: Family, rng: np.random.Generator, row: dict[str, Any]) -> str:
    status = row.get("vendor_status", "")
    if family.remarks == "reading":
        return "Extrapolated" if status == "extrapolated" else str(rng.choice(REMARKS))
    said = "designated as an outlier" if status == "outlier" else ""
    if family.remarks == "signs":
        return "; ".join(filter(None, (said, str(rng.choice(SAMPLING_ERRORS)))))
    return said if family.remarks == "outliers" else ""


def read_back(family: Family, plate: Plate) -> Plate:
    """Write and read; exactly one parser must claim the file, and take nothing for damage."""
    raw = RawFile("plate", family.write(plate))
    assert [parser.name for parser in PARSERS.values() if parser.sniff(raw)] == [family.parser]
    if family.parser == "is23":
        lots = RawFile("lots.csv", write_lots([plate]))
        (back,) = read_is23(raw, lots=lots)
    else:
        (back,) = recognise(raw).read(raw)
    assert not [f for f in back.findings if f.code in ("damaged_value", "name_matched")]
    return back


def as_carried(name: str, family: Family, plate: Plate) -> Plate:
    """The plate less what the family has no place for."""
    wells = plate.wells.copy()
    if family.codes:
        wells["sample"] = _codes(wells)
    fixed = wells["well_type"].isin(["blank"])
    for column in set(family.lost) & set(PLATE_COLUMNS):
        if column == "expected":
            wells[column] = wells[column].where(fixed)
        elif column in ("vendor_status", "comment"):
            wells[column] = ""
        else:
            wells[column] = 1.0 if column == "dilution_factor" else np.nan
    analytes = plate.analytes.copy()
    for column in set(family.lost) & set(ANALYTE_COLUMNS):
        analytes[column] = np.nan if column == "min_beads" else ""
    curves = {} if name in NO_CURVES else plate.vendor_curves
    return replace(plate, wells=wells, analytes=analytes, vendor_curves=curves)


def _codes(wells: pd.DataFrame) -> pd.Series:
    """Bio-Plex's own names: B, and S1 for the highest standard."""
    standards = wells[wells["well_type"] == "standard"]
    order = standards.groupby("sample")["expected"].max().sort_values(ascending=False).index
    codes = {("standard", sample): f"S{i}" for i, sample in enumerate(order, start=1)}
    keys = zip(wells["well_type"], wells["sample"], strict=True)
    return pd.Series(
        ["B" if kind == "blank" else codes.get((kind, sample), sample) for kind, sample in keys],
        index=wells.index, dtype="str",
    )  # fmt: skip


def assert_same(family: Family, expected: Plate, back: Plate) -> None:
    assert back.name == expected.name
    assert back.analyte_names == expected.analyte_names
    assert list(back.vendor_curves) == list(expected.vendor_curves)
    tolerance = 0.0 if family.digits == 17 else 1e-14
    keys = ["well", "analyte"]
    ours, theirs = (p.wells.set_index(keys).sort_index() for p in (expected, back))
    assert list(ours.index) == list(theirs.index)
    for column in [c for c in PLATE_COLUMNS if c not in keys]:
        _assert_column(column, ours[column], theirs[column], tolerance)
    for column in ANALYTE_COLUMNS:
        _assert_column(column, expected.analytes[column], back.analytes[column], 0.0)
    for name, curve in expected.vendor_curves.items():
        assert replace(back.vendor_curves[name], text="") == curve


def _assert_column(column: str, ours: pd.Series, theirs: pd.Series, tolerance: float) -> None:
    if isinstance(ours.dtype, np.dtype) and ours.dtype.kind in "fi":
        # expected values of diluted controls are printed for the undiluted sample
        rounding = max(tolerance, 4e-16 if column == "expected" else 0.0)
        np.testing.assert_allclose(
            theirs.to_numpy(float), ours.to_numpy(float), rtol=rounding, atol=0, err_msg=column
        )
    else:
        assert theirs.tolist() == ours.tolist(), column


@pytest.mark.parametrize("name", FAMILIES)
@settings(
    max_examples=10,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow],
)
@given(shape=shapes())
def test_any_plate_comes_back(name: str, shape: Shape) -> None:
    family = FAMILIES[name]
    plate = make_plate(family, shape)
    assert_same(family, as_carried(name, family, plate), read_back(family, plate))


@pytest.mark.parametrize("turn", range(3))
@pytest.mark.parametrize("name", FAMILIES)
def test_every_odd_name_comes_back_in_every_role(name: str, turn: int) -> None:
    """As an analyte, a standard, a control, a sample and a plate."""
    family = FAMILIES[name]
    parts = [tuple(filter(_is_free, NAMES[(turn + part) % 3 :: 3])) for part in range(3)]
    samples = sum(parts, ())
    shape = Shape(
        size=384,
        wells=len(samples) + 20,
        analytes=tuple(filter(_is_an_analytes, parts[0])),
        samples=samples,
        plate=parts[0][0],
        seed=turn,
        vendor=True,
        levels=len(parts[0]),
        controls=len(parts[1]),
    )
    plate = make_plate(family, shape)
    assert_same(family, as_carried(name, family, plate), read_back(family, plate))


@pytest.mark.parametrize(
    ("analytes", "regions"),
    [
        (("IL-1α", "IL-1β", "MIP-1α", "MIP-1β"), ("", "", "", "")),
        (("IL-1", "IL-11", "α", "β"), ("12", "2", "7", "07")),
    ],
)
@pytest.mark.parametrize(
    "name", [name for name in FAMILIES if "wide" not in name and "short" not in name]
)
def test_analytes_alike_but_for_signs_stay_apart(
    name: str, analytes: tuple[str, ...], regions: tuple[str, ...]
) -> None:
    shape = replace(_large(96, 4, 20, 8), analytes=analytes, regions=regions)
    family = FAMILIES[name]
    plate = make_plate(family, shape)
    assert_same(family, as_carried(name, family, plate), read_back(family, plate))


def test_the_names_that_is23_gives_come_back_with_their_ranges() -> None:
    family = FAMILIES["is23"]
    plate = make_plate(family, replace(_large(96, 3, 40, 8), controls=3))
    own = {
        "Standard1": "St1", "Standard2": "standard 2", "Control5": "ConA", "Control6": "Con B",
        "Control7": "Control 7", "Background0": "Background 2",
    }  # fmt: skip
    plate = replace(plate, wells=plate.wells.assign(sample=plate.wells["sample"].replace(own)))
    assert set(own.values()) <= set(plate.wells["sample"])
    assert_same(family, as_carried("is23", family, plate), read_back(family, plate))


def test_two_reporters_come_back_as_the_analytes_they_were() -> None:
    family = FAMILIES["intelliflex-wide"]
    names = tuple(f"{name} (RP{reporter})" for name in ("IL-6", "a,b", "=1") for reporter in (1, 2))
    shape = replace(_large(384, 6, 30, 8), analytes=names, regions=tuple("112233"))
    plate = make_plate(family, shape)
    head = family.write(plate).decode().splitlines()[0]
    assert "R1: RP1 MEDIAN" in head
    assert "R1: RP2 MEDIAN" in head
    assert_same(family, as_carried("intelliflex-wide", family, plate), read_back(family, plate))


def _large(size: int, analytes: int, wells: int, samples: int) -> Shape:
    return Shape(
        size=size,
        wells=wells,
        analytes=tuple(f"IL-{i}{'αβγδ'[i % 4]}, =x/{i}" for i in range(analytes)),
        samples=tuple(f"=P{i} (1,{i})" for i in range(samples)),
        plate="=large [1]",
        seed=7,
        vendor=True,
    )


@pytest.mark.parametrize(
    "shape", [_large(96, 100, 12, 8), _large(384, 2, 384, 190)], ids=["100 analytes", "384 wells"]
)
@pytest.mark.parametrize("name", FAMILIES)
def test_a_hundred_analytes_and_full_plates_come_back(name: str, shape: Shape) -> None:
    family = FAMILIES[name]
    plate = make_plate(family, shape)
    assert set(plate.wells["vendor_status"]) == set(map(str, family.statuses))
    assert_same(family, as_carried(name, family, plate), read_back(family, plate))


@pytest.mark.slow
@pytest.mark.parametrize(
    "shape", [_large(96, 100, 96, 45), _large(384, 100, 384, 190)], ids=["96 wells", "384 wells"]
)
@pytest.mark.parametrize("name", FAMILIES)
def test_a_hundred_analytes_on_full_plates_come_back(name: str, shape: Shape) -> None:
    family = FAMILIES[name]
    plate = make_plate(family, shape)
    assert_same(family, as_carried(name, family, plate), read_back(family, plate))


#: What the export carries (the writer prints shortest forms, so numbers come back to the bit).
CARRIED = ["well", "sample", "well_type", "analyte", "dilution_factor", "mfi", "net_mfi",
           "bead_count", "expected", "expected_low", "expected_high"]  # fmt: skip
ODD_NAMES = ['a,b "c"', "=1+1", "IFN-γ", "IL-1α/IL-1F1", "TNF; soluble", "plain", "@x", "-y", "é"]


def sorted_wells(wells: pd.DataFrame) -> pd.DataFrame:
    return wells[CARRIED].sort_values(["well", "analyte"]).reset_index(drop=True)


@settings(
    deadline=None,
    derandomize=True,
    max_examples=12,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    size=st.sampled_from([96, 384]),
    plex=st.sampled_from([1, 2, 9, 100]),
    replicates=st.integers(1, 3),
    samples=st.integers(1, 15),
    seed=st.integers(0, 2**16),
)
def test_an_xponent_export_of_any_shape_reads_back(
    tmp_path: Path, size: int, plex: int, replicates: int, samples: int, seed: int
) -> None:
    names = (ODD_NAMES + [f"Analyte {k}" for k in range(100)])[:plex]
    truth = {
        f"{name} {k}": np.full(plex, 20.0 * k + 5) for k, name in enumerate(ODD_NAMES[:samples])
    }
    plan = PlatePlan(size=size, replicates=replicates, levels=7)
    rng = np.random.default_rng(seed)
    plate = simulate_plate(panel(names), truth, rng=rng, plan=plan, name="round trip")
    file = tmp_path / "plate.csv"
    file.write_bytes(write_xponent(plate))
    read = read_plate(file)
    assert read.name == plate.name
    assert read.analyte_names == plate.analyte_names
    pd.testing.assert_frame_equal(
        sorted_wells(read.wells), sorted_wells(plate.wells), check_exact=True
    )
    found = {finding.code for finding in read.findings}
    assert found == set(), found


@pytest.mark.parametrize("name", ["plate_1", "plate_2", "plate_3"])
def test_the_bundled_plates_are_read_whole(name: str) -> None:
    folder = Path(__file__).resolve().parents[2] / "example_plates"
    plate = read_plate(folder / f"{name}.csv")
    assert plate.findings == ()
    assert plate.wells["mfi"].notna().all()
    standards = plate.wells[plate.wells["well_type"] == "standard"]
    assert standards["expected"].notna().all()
