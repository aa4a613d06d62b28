"""A synthetic fit with everything a page must show, and hostile names on demand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cytokit.curves.platefit import verdicts_table
from cytokit.flags import Finding, findings_table
from cytokit.options import FitOptions
from cytokit.plate import Plate, SourceInfo, make_wells
from cytokit.schema import PLATE_COLUMNS, TABLES, Verdict
from cytokit.trial.compare import compare
from cytokit.trial.comparison import Comparison
from cytokit.trial.study import Study

LOWER, UPPER, MIDDLE, SLOPE = 20.0, 18000.0, 400.0, 1.1


def response(x: np.ndarray) -> np.ndarray:
    """A 4PL."""
    x = np.asarray(x, dtype=float)
    return UPPER + (LOWER - UPPER) / (1 + (x / MIDDLE) ** SLOPE)


@dataclass(frozen=True)
class FakeCurve:
    """What the page asks of a StandardCurve."""

    plate: str
    analyte: str
    unit: str
    verdict: Verdict
    reason: str
    ok: bool
    row: Mapping[str, Any]
    standards: pd.DataFrame
    wells: pd.DataFrame

    def predict(self, x: np.ndarray) -> np.ndarray:
        return response(x)

    def band(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return 0.85 * response(x), 1.15 * response(x)

    def __getattr__(self, name: str) -> Any:
        try:
            return self.row[name]
        except KeyError:
            raise AttributeError(name) from None


class FakeCurves(dict):
    """A CurveSet: a mapping with its two tables."""

    @property
    def table(self) -> pd.DataFrame:
        rows = [[curve.row[name] for name in TABLES["curves"].names] for curve in self.values()]
        return pd.DataFrame(rows, columns=TABLES["curves"].names)

    @property
    def standards(self) -> pd.DataFrame:
        return pd.concat([curve.standards for curve in self.values()], ignore_index=True)


@dataclass(frozen=True)
class FakeFit:
    """A PlateFit."""

    plates: tuple[Plate, ...]
    curves: FakeCurves
    wells: pd.DataFrame
    samples: pd.DataFrame
    flags: pd.DataFrame
    exclusions: pd.DataFrame
    options: FitOptions = field(default_factory=FitOptions)

    @property
    def standards(self) -> pd.DataFrame:
        return self.curves.standards

    @property
    def verdicts(self) -> pd.DataFrame:
        names = [plate.name for plate in self.plates]
        return verdicts_table(self.curves.table, self.samples, self.flags, names)


def _positions(size: int) -> list[str]:
    rows, columns = (8, 12) if size == 96 else (16, 24)
    return [f"{chr(65 + row)}{column + 1}" for column in range(columns) for row in range(rows)]


def _plan(size: int, names: list[str]) -> list[tuple[str, str, str, float]]:
    """Well, sample, type, expected: 8 standards x2, blanks x2, 2 controls x2, unknowns x2."""
    what = [(f"Standard{level}", "standard", 10000 / 4 ** (8 - level)) for level in range(1, 9)]
    what += [("Background0", "blank", 0.0), ("Control1", "control", 120.0)]
    what += [("Control2", "control", 1200.0)]
    n_unknown = size // 2 - len(what)
    names = names + [f"Patient {i:03d}" for i in range(1, n_unknown + 1 - len(names))]
    what += [(name, "unknown", np.nan) for name in names]
    wells = iter(_positions(size))
    return [(next(wells), *entry) for entry in what for _ in range(2)]


def _status(mfi: float) -> tuple[str, float]:
    """Status and concentration at the bead of an intensity."""
    if mfi <= LOWER:
        return "oor_low", np.nan
    if mfi >= UPPER:
        return "oor_high", np.nan
    x = MIDDLE * ((mfi - LOWER) / (UPPER - mfi)) ** (1 / SLOPE)
    return ("below_lloq" if x < 3 else "above_uloq" if x > 9000 else "in_range"), x


def _wells(plate: str, analytes: list[str], plan: list, rng: np.random.Generator) -> pd.DataFrame:
    rows = []
    for analyte in analytes:
        level = {}
        for well, sample, kind, expected in plan:
            true = level.setdefault(
                sample, expected if expected == expected else 10 ** rng.uniform(-1.5, 4.8)
            )
            mfi = float(response(true) * rng.lognormal(0, 0.05))
            status, x = _status(mfi)
            factor = 1.0 if kind in ("standard", "blank") else 2.0
            rows.append(
                {
                    "plate": plate,
                    "well": well,
                    "sample": sample,
                    "well_type": kind,
                    "analyte": analyte,
                    "dilution_factor": factor,
                    "mfi": mfi,
                    "net_mfi": mfi - LOWER,
                    "bead_count": float(rng.integers(28, 120)),
                    "expected": expected,
                    "concentration": x * factor,
                    "ci_low": x * factor * 0.8,
                    "ci_high": x * factor * 1.25,
                    "unit": "pg/mL",
                    "status": status,
                    "vendor_concentration": x * factor,
                    "vendor_status": "in_range",
                    "flags": "",
                }
            )
    return pd.DataFrame(rows, columns=TABLES["wells"].names)


def _samples(wells: pd.DataFrame) -> pd.DataFrame:
    rows = []
    unknown = wells[wells["well_type"].isin(["unknown", "control"])]
    for (plate, sample, analyte), group in unknown.groupby(
        ["plate", "sample", "analyte"], sort=False
    ):
        mfi = float(group["mfi"].mean())
        status, x = _status(mfi)
        low, high = {"oor_low": (1.4, np.nan), "oor_high": (np.nan, 20000.0)}.get(
            status, (2.8, 18000.0)
        )
        rows.append(
            (
                *(plate, sample, group["well_type"].iloc[0], analyte, len(group), 2.0, mfi, 4.2),
                *(2 * x, 1.7 * x, 2.3 * x, 8.1, "pg/mL", status, low, high, ""),
            )
        )
    return pd.DataFrame(rows, columns=TABLES["samples"].names[:17])


def _curve(plate: str, analyte: str, wells: pd.DataFrame, verdict: Verdict) -> FakeCurve:
    mine = wells[(wells["analyte"] == analyte) & wells["well_type"].isin(["standard", "blank"])]
    ok = verdict is not Verdict.FAILED
    points = mine[["well", "expected", "mfi"]].assign(
        level=mine["sample"], weight=1.0, robust=1.0, used=True, reason=""
    )
    points.loc[points.index[3], ["weight", "robust", "reason"]] = [
        0.31,
        0.31,
        "down-weighted to 0.31: off the curve",
    ]
    levels = mine[mine["well_type"] == "standard"].groupby("expected")["mfi"].mean()
    rows = []
    for number, (expected, mfi) in enumerate(levels.items(), start=1):
        back = _status(float(mfi))[1] if ok else np.nan
        recovery = 100 * back / expected
        rows.append(
            (
                plate,
                analyte,
                f"Standard{number}",
                expected,
                2,
                mfi,
                3.5,
                back,
                recovery,
                ok,
                1.0,
                "",
            )
        )
    standards = pd.DataFrame(rows, columns=TABLES["standards"].names)
    reason = "" if verdict is Verdict.GOOD else "2 of 8 levels recover outside 80-120 %"
    row = dict.fromkeys(TABLES["curves"].names, np.nan) | {
        "plate": plate,
        "analyte": analyte,
        "model": "5pl",
        "orientation": "-",
        "n_levels": 8,
        "n_pass": 8 if verdict is Verdict.GOOD else 6,
        "verdict": str(verdict),
        "reason": reason if ok else "the standards do not rise above the blanks",
    }
    if ok:
        row |= {"lower": LOWER, "upper": UPPER, "inflection": MIDDLE, "slope": SLOPE, "df": 14}
        row |= {"asymmetry": 1.0, "r2": 0.9991, "chi2": 13.2, "s0": 3.0, "cv": 0.05, "lod": 0.9}
        row |= {"lloq": 3.0, "uloq": 9000.0, "lloq_recovery": 2.44, "uloq_recovery": 10000.0}
    return FakeCurve(plate, analyte, "pg/mL", verdict, row["reason"], ok, row, standards, points)


def _plate(name: str, path: str, wells: pd.DataFrame, analytes: list[str]) -> Plate:
    readings = make_wells(
        wells[[name for name in PLATE_COLUMNS if name in wells]].to_dict("records")
    )
    table = pd.DataFrame({"analyte": analytes, "bead_id": "12", "unit": "pg/mL", "min_beads": 50.0})
    return Plate(name, SourceInfo(path, "0" * 64, "xponent"), readings, table)


def make_fit(
    *,
    analytes: list[str] | None = None,
    n_plates: int = 1,
    size: int = 96,
    samples: list[str] | None = None,
    plate_name: str = "Plate",
    excluded: list[tuple[str, str, str, str, str]] | None = None,
) -> FakeFit:
    """A fit of simulated plates, the same for the same arguments."""
    rng = np.random.default_rng(20210106)
    analytes = analytes or ["IFNg", "IL-6", "TNFα", "RANTES", "GM-CSF", "PDGF-BB"]
    verdicts = [Verdict.GOOD, Verdict.GOOD, Verdict.USABLE, Verdict.POOR, Verdict.FAILED]
    plates, frames, curves, findings = [], [], FakeCurves(), []
    for number in range(1, n_plates + 1):
        name = plate_name if n_plates == 1 else f"{plate_name} {number}"
        wells = _wells(name, analytes, _plan(size, list(samples or [])), rng)
        for position, analyte in enumerate(analytes):
            verdict = verdicts[position % len(verdicts)]
            curves[name, analyte] = curve = _curve(name, analyte, wells, verdict)
            if verdict is Verdict.FAILED:
                findings.append(Finding("curve_failed", curve.reason, name, analyte=analyte))
                mine = wells["analyte"] == analyte
                wells.loc[mine, ["concentration", "ci_low", "ci_high"]] = np.nan
                wells.loc[mine, "status"] = "no_curve"
        few = wells[wells["bead_count"] < 35]
        findings += [
            Finding("low_count", f"{count:.0f} beads, fewer than 35", name, well, sample, analyte)
            for well, sample, analyte, count in zip(
                few["well"], few["sample"], few["analyte"], few["bead_count"], strict=True
            )
        ]
        plates.append(_plate(name, f"{plate_name}_{number}.csv", wells, analytes))
        frames.append(wells)
    wells = pd.concat(frames, ignore_index=True)
    table = _samples(wells)
    failed = [key for key, curve in curves.items() if not curve.ok]
    gone = pd.Series(list(zip(table["plate"], table["analyte"], strict=True))).isin(failed)
    table.loc[gone.to_numpy(), ["concentration", "ci_low", "ci_high", "cv_pct"]] = np.nan
    table.loc[gone.to_numpy(), "status"] = "no_curve"
    exclusions = pd.DataFrame(excluded or [], columns=TABLES["exclusions"].names, dtype="str")
    return FakeFit(tuple(plates), curves, wells, table, findings_table(findings), exclusions)


@pytest.fixture(scope="session")
def fit_of() -> Callable[..., FakeFit]:
    """The maker of synthetic fits."""
    return make_fit


@pytest.fixture(scope="session")
def small_fit() -> FakeFit:
    """Six analytes on one 96-well plate."""
    return make_fit()


HOSTILE = (
    '<img src=x onerror="window.hacked=1">',
    '=HYPERLINK("http://example.invalid","x")',
    "../../x",
    "</script><script>window.hacked=1</script>",
    "'+1",
    "-IL-6",
    "a\nb\"c,d'e",
    "{{ 7*7 }}",
    "\u2028Ω",
)


@pytest.fixture(scope="session")
def hostile_fit() -> SimpleNamespace:
    """A fit whose every name is hostile, and the names."""
    fit = make_fit(
        analytes=list(HOSTILE),
        samples=list(HOSTILE),
        plate_name=HOSTILE[3],
        excluded=[(HOSTILE[3], "A1", HOSTILE[0], HOSTILE[1], HOSTILE[0])],
    )
    return SimpleNamespace(fit=fit, names=HOSTILE)


@pytest.fixture(scope="session")
def comparison() -> Comparison:
    """A small comparison of two groups on two days, one analyte with a hostile name."""
    rng = np.random.default_rng(8)
    rows = []
    for analyte, effect in (("IL-6", -2.0), ("TNFα", 0.0), (HOSTILE[0], -0.3)):
        for number in range(16):
            group = "treated" if number < 8 else "control"
            base = rng.normal(3, 0.6)
            for day in (0, 6):
                shift = effect if group == "treated" and day == 6 else 0.0
                value = float(np.exp(base + shift + rng.normal(0, 0.5)))
                rows.append((f"s{number}", group, day, analyte, value, "pg/mL"))
    columns = ["subject", "group", "day", "analyte", "concentration", "unit"]
    return compare(Study(pd.DataFrame(rows, columns=columns)), reference="control")
