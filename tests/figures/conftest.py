"""Invented comparisons, curves and plates to draw: frames of the documented columns, no fits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cytokit.schema import TABLES

TRIAL = ("IFNg", "IL-6", "TNFa", "RANTES", "GM-CSF", "PDGF-BB")


@dataclass(frozen=True)
class Made:
    """A comparison in outline: what figures read of one."""

    table: pd.DataFrame
    summary: pd.DataFrame
    study: Any
    options: Any
    baseline: Any
    day: tuple[Any, ...]
    reference: str
    guard: tuple[str, ...] = ()

    @property
    def detectability(self) -> pd.DataFrame:
        frame = self.summary[["analyte", "group", "day", "n"]].copy()
        for name in ("below", "above"):
            frame[f"pct_{name}"] = 100 * self.summary[f"n_{name}"] / self.summary["n"]
        frame["pct_in_range"] = 100 - frame["pct_below"] - frame["pct_above"]
        return frame


@dataclass
class Maker:
    """How an invented comparison is made."""

    analytes: Sequence[str] = TRIAL
    groups: Sequence[str] = ("control", "treated")
    days: Sequence[Any] = (0, 6)
    subjects: int = 12
    deaths: int = 0
    below: dict[str, float] = field(default_factory=dict)
    above: dict[str, float] = field(default_factory=dict)
    gate: bool = True
    guard: tuple[str, ...] = ()
    unit: str = "pg/mL"
    p: Sequence[float] = (0.0004, 0.03, 0.2, 0.8)
    seed: int = 11

    def build(self) -> Made:
        """All frames."""
        rng = np.random.default_rng(self.seed)
        values, subjects = self._values(rng)
        options = SimpleNamespace(gate=self.gate, alpha=0.05, adjust="holm", between="ancova")
        study = SimpleNamespace(values=values, subjects=subjects)
        first, last = self.days[0], self.days[-1]
        return Made(
            self._table(), _summary(values), study, options, first if first != last else None,
            (last,), self.groups[0], self.guard,
        )  # fmt: skip

    def _values(self, rng: np.random.Generator) -> tuple[pd.DataFrame, pd.DataFrame]:
        rows, people = [], []
        for g, group in enumerate(self.groups):
            for number in range(self.subjects):
                subject = f"{group[:1].upper()}{g}{number:03d}"
                dies = number < self.deaths
                for d, day in enumerate(self.days):
                    gone = dies and d == len(self.days) - 1
                    status = "died" if gone else "sampled"
                    people.append((subject, group, "", day, status))
                level = rng.normal(0, 0.8, len(self.analytes))
                for a, analyte in enumerate(self.analytes):
                    for d, day in enumerate(self.days):
                        if dies and d == len(self.days) - 1:
                            continue
                        ln = 3 + (a * 1.7) % 6 + level[a] - 0.8 * d * g + rng.normal(0, 0.4)
                        value = float(np.exp(ln))
                        low, high = self.below.get(analyte, 0.0), self.above.get(analyte, np.inf)
                        exact = low <= value <= high
                        state = "exact" if exact else "below" if value < low else "above"
                        bounds = {"exact": (value, value), "below": (0.0, low)}
                        lower, upper = bounds.get(state, (high, np.inf))
                        number_ = value if exact else np.nan
                        rows.append(
                            (subject, group, day, "", "P1", f"{subject}-{day}", analyte, self.unit,
                             number_, lower, upper, state)
                        )  # fmt: skip
        names = ["subject", "group", "day", "stratum", "plate", "sample", "analyte", "unit",
                 "value", "lower", "upper", "state"]  # fmt: skip
        people_frame = pd.DataFrame(
            people, columns=["subject", "group", "stratum", "day", "status"]
        )
        return pd.DataFrame(rows, columns=names), people_frame

    def _table(self) -> pd.DataFrame:
        others = self.groups[1:]
        contrasts = [(f"between_day{self.days[-1]}", group, self.groups[0]) for group in others]
        contrasts += [("difference_in_change", group, self.groups[0]) for group in others]
        if len(self.days) > 1:
            contrasts += [("within_treated", group, "") for group in others]
            contrasts += [("within_control", "", self.groups[0])]
        rows = []
        for a, analyte in enumerate(self.analytes):
            for c, (contrast, treated, control) in enumerate(contrasts):
                p = self.p[(a + c) % len(self.p)]
                row: dict[str, Any] = dict.fromkeys(TABLES["comparisons"].names, np.nan)
                nothing = p != p
                gated = self.gate and contrast[0] == "w" and self.p[a % len(self.p)] > 0.05
                text = f"p = {p:.3f}" if p >= 0.001 else "p < 0.001"
                mark = "" if gated or nothing else "***" if p < 0.001 else "*"
                mark = "ns" if mark and p > 0.05 else mark
                family = {"b": "F1", "d": ""}.get(contrast[0], "F2" if treated else "F3")
                ratio = np.nan if nothing else float(np.exp(-0.9 + 0.15 * a + 0.1 * c))
                row |= {
                    "analyte": analyte, "unit": self.unit, "contrast": contrast,
                    "family": family, "adjust": "holm" if family else "",
                    "method": "ANCOVA" if contrast[0] == "b" else "paired t",
                    "family_size": float(len(self.analytes)), "p": p,
                    "p_adjusted": p, "q_bh": p, "stars": mark,
                    "ratio": ratio, "ratio_low": ratio / 1.7, "ratio_high": ratio * 1.7,
                    "label": "not analysed" if nothing else text,
                    "flags": "gated: the groups do not differ" if gated else "",
                    "treated_group": treated, "control_group": control,
                }  # fmt: skip
                rows.append(row)
        names = TABLES["comparisons"].names
        return pd.DataFrame(rows, columns=names)


def _summary(values: pd.DataFrame) -> pd.DataFrame:
    """Descriptive rows of the exact readings, as a stand-in for the real summary."""
    rows = []
    for (analyte, group, day), part in values.groupby(["analyte", "group", "day"], sort=False):
        exact = part["value"].dropna()
        row: dict[str, Any] = dict.fromkeys(TABLES["summary"].names, np.nan)
        row |= {"analyte": analyte, "group": group, "day": day, "n": len(part),
                "n_below": int((part["state"] == "below").sum()),
                "n_above": int((part["state"] == "above").sum())}  # fmt: skip
        if len(exact):
            mean = float(np.exp(np.log(exact).mean()))
            row |= {"geometric_mean": mean, "gsd": 1.8, "median": exact.median(),
                    "q1": exact.quantile(0.25), "q3": exact.quantile(0.75),
                    "min": exact.min(), "max": exact.max(),
                    "gm_low": mean / 1.4, "gm_high": mean * 1.4}  # fmt: skip
        rows.append(row)
    return pd.DataFrame(rows)


@pytest.fixture(scope="session")
def comparison() -> Callable[..., Made]:
    """Make a comparison: ``comparison(analytes=..., deaths=...)``."""

    def make(**how: Any) -> Made:
        return Maker(**how).build()

    return make


@pytest.fixture(scope="session")
def trial(comparison: Callable[..., Made]) -> Made:
    """Six analytes, 12 v 12, some deaths, some values out of range."""
    return comparison(deaths=2, below={"IL-6": 60.0}, above={"TNFa": 1500.0})


@dataclass(frozen=True, eq=False)
class MadeCurve:
    """A logistic with invented wells around it."""

    plate: str
    analyte: str
    unit: str
    lod: float
    lloq: float
    uloq: float
    verdict: str
    reason: str
    ok: bool
    standards: pd.DataFrame
    wells: pd.DataFrame

    def predict(self, x: Any) -> Any:
        return logistic(np.asarray(x, dtype=float))

    def band(self, x: Any) -> tuple[Any, Any]:
        y = self.predict(x)
        return y * 0.85, y / 0.85


def logistic(x: Any) -> Any:
    """MFI 20 to 20,000 around 300 pg/mL."""
    return 20 + 19980 / (1 + (300 / np.maximum(x, 1e-9)) ** 1.1)


def make_curve(analyte: str = "IL-6", *, plate: str = "P1", fails: bool = False) -> MadeCurve:
    """Eight levels in duplicate, two blanks, a down-weighted and an unused well."""
    rng = np.random.default_rng(3)
    expected = np.repeat([0.0, *(10000 / 4.0 ** np.arange(7, -1, -1))], 2)
    mfi = logistic(expected) * np.exp(rng.normal(0, 0.05, expected.size))
    mfi[5] *= 1.6
    wells = pd.DataFrame(
        {
            "well": [f"{'ABCDEFGH'[i // 2 % 8]}{i % 2 + 1}" for i in range(expected.size)],
            "expected": expected,
            "mfi": mfi,
            "weight": 1.0,
            "used": [i != 17 for i in range(expected.size)],
            "reason": ["down-weighted" if i == 5 else "" for i in range(expected.size)],
        }
    )
    levels = wells.groupby("expected", as_index=False)["mfi"].mean()
    recovery = 100 * levels["mfi"] / logistic(levels["expected"].to_numpy(float))
    levels["recovery_pct"] = recovery.where(levels["expected"] > 0)
    levels.loc[1, "recovery_pct"] = 171.0
    levels["used"] = [i != 8 for i in range(len(levels))]
    levels["plate"], levels["analyte"] = plate, analyte
    if fails:
        levels["recovery_pct"] = np.nan
    return MadeCurve(
        plate, analyte, "pg/mL", *((np.nan,) * 3 if fails else (0.8, 2.0, 6000.0)),
        "failed" if fails else "good", "the standards rise and fall again" if fails else "",
        not fails, levels, wells,
    )  # fmt: skip


def make_samples(analytes: Sequence[str], plates: Sequence[str] = ("P1",)) -> pd.DataFrame:
    """Thirty unknowns per analyte, some out of range."""
    rng = np.random.default_rng(5)
    rows = []
    for plate in plates:
        for analyte in analytes:
            for i, bead in enumerate(np.exp(rng.normal(4, 2, 30))):
                status = "in_range" if 2 < bead < 6000 else "below_lloq"
                status = "oor_low" if bead < 0.5 else status
                value = np.nan if status == "oor_low" else bead * 4
                rows.append((plate, f"S{i:02d}", "unknown", analyte, 4.0, logistic(bead), value,
                             "pg/mL", status))  # fmt: skip
    names = ["plate", "sample", "well_type", "analyte", "dilution_factor", "mfi", "concentration",
             "unit", "status"]  # fmt: skip
    return pd.DataFrame(rows, columns=names)


@pytest.fixture(scope="session")
def curve() -> Callable[..., MadeCurve]:
    """Make a curve: ``curve("IL-6", fails=True)``."""
    return make_curve


@pytest.fixture(scope="session")
def fitted() -> Callable[..., Any]:
    """Make a fit in outline: ``fitted(["IL-6"])``."""

    def make(analytes: Sequence[str], plates: Sequence[str] = ("P1",)) -> Any:
        curves = {
            (plate, name): make_curve(name, plate=plate, fails=name == "failed")
            for plate in plates
            for name in analytes
        }
        return SimpleNamespace(curves=curves, samples=make_samples(analytes, plates))

    return make


def _texts(figure: Any) -> list[Any]:
    from matplotlib.text import Text

    return [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]


@pytest.fixture(scope="session")
def texts() -> Callable[[Any], list[str]]:
    """What is written in a figure or an axes."""
    return lambda where: [text.get_text() for text in _texts(where)]


@pytest.fixture(scope="session")
def well_set() -> Callable[[Any], None]:
    """Check a figure's type: nothing under 6 points, nothing beyond the paper's edge."""

    def check(figure: Any) -> None:
        figure.draw_without_rendering()
        paper = figure.bbox
        for text in _texts(figure):
            assert text.get_fontsize() >= 6, text.get_text()
            box = text.get_window_extent()
            inside = (
                box.x0 >= paper.x0 - 1 and box.x1 <= paper.x1 + 1
                and box.y0 >= paper.y0 - 1 and box.y1 <= paper.y1 + 1
            )  # fmt: skip
            assert inside, f"{text.get_text()!r} runs off the paper: {box} in {paper}"

    return check


@dataclass(frozen=True)
class MadePlate:
    """A plate in outline."""

    name: str
    wells: pd.DataFrame
    size: int
    analyte_names: list[str]


@pytest.fixture(scope="session")
def plate() -> Callable[..., MadePlate]:
    """Make a plate of 96 or 384 wells, some missing, some without a reading."""

    def make(size: int = 96, analytes: Sequence[str] = ("IL-6",)) -> MadePlate:
        rng = np.random.default_rng(7)
        rows, columns = (8, 12) if size == 96 else (16, 24)
        names = [f"{chr(65 + r)}{c + 1}" for r in range(rows) for c in range(columns)]
        parts = []
        for analyte in analytes:
            kinds = ["standard"] * 16 + ["blank"] * 2 + ["control"] * 4
            kinds += ["unknown"] * (size - len(kinds))
            part = pd.DataFrame(
                {
                    "well": names,
                    "analyte": analyte,
                    "well_type": kinds,
                    "mfi": np.exp(rng.normal(6, 2, size)),
                    "bead_count": rng.poisson(60, size).astype(float),
                }
            )
            part.loc[30:33, "mfi"] = np.nan
            parts.append(part.drop(index=range(50, 54)))
        return MadePlate("P1", pd.concat(parts), size, list(analytes))

    return make
