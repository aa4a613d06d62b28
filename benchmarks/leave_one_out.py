"""Leave one level of the standards out and predict it from the others.

    python benchmarks/leave_one_out.py [--output FILE]

Real plates: three of a 62-plex and a Bio-Rad 27-plex, each read from its export; where standards
are only given as dilutions (1/50, 1/100 ...), the dilution is the concentration. Each level of each
analyte is left out in turn, interior or end, the curve is fitted to the others, and the level's
concentration is read off the curve from its mean MFI. Ours is the default fit of ``fit_curves``
(five parameters, weak prior, variance model, robust); beside it 4PL and 5PL by least squares on
log y with scipy, the best of several starts. All see the same wells. Analytes whose standards bear
no curve even when whole (verdict ``failed``) are left out for all methods. The ratios' 95 %
intervals are of the bootstrap over curves (all levels of a curve drawn together, seeded).

It takes about five minutes of one core, nearly all of it the least squares on log y. The real
plates are looked for at ../shared/real from the project's root, or CYTOKIT_REAL_DATA.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import least_squares

from cytokit.arrays import Floats
from cytokit.curves.fit import StandardCurve, fit_curves
from cytokit.parsers.read import read_plate
from cytokit.plate import Plate
from cytokit.schema import WellType

ROOT = Path(__file__).resolve().parents[1]
MULTIPLATE = ("plate01", "plate02", "plate04")

#: starts of the least squares on log y: slope, and place of ln c between the ends of ln x
STARTS = ((1.0, 0.5), (1.0, 0.9), (0.6, 0.5), (2.0, 0.5))
MOST_CALLS = 2000
PLACES = ("lowest", "interior", "highest")
QUANTILES = (0.5, 0.9)
BOOTSTRAPS, SEED = 2000, 1
HEADING = (
    f"  {'':30s}{'median':>8s}{'/ ours (95 %)':>19s}{'p90':>8s}{'/ ours (95 %)':>19s}"
    f"{'no answer':>11s}{'closer':>8s}"
)


@dataclass(frozen=True)
class Case:
    """One level of one analyte, left out."""

    curve: StandardCurve
    whole: pd.DataFrame  # the analyte's standard and blank wells, this level's among them
    expected: float
    where: str

    @property
    def out(self) -> NDArray[np.bool_]:
        """Rows of the level."""
        return (self.whole["expected"] == self.expected).to_numpy()

    @property
    def mfi(self) -> float:
        """The level's mean MFI."""
        return float(self.whole["mfi"].to_numpy()[self.out].mean())


def read_plates(folder: Path) -> dict[str, list[Plate]]:
    """The plates of each panel."""
    several = folder / "plates" / "xponent_multiplate"
    return {
        "62-plex": [
            read_plate(several / f"{name}.csv", layout=several / f"{name}_layout.xlsx")
            for name in MULTIPLATE
        ],
        "Bio-Rad 27-plex": [
            read_plate(folder / "plates" / "bioplex_per_analyte" / "biorad_27plex.xls")
        ],
    }


def cases(plate: Plate) -> Iterator[Case]:
    """Every level of every analyte that has a curve, left out in turn."""
    kinds = [str(WellType.STANDARD), str(WellType.BLANK)]
    wells = plate.wells[plate.wells["well_type"].isin(kinds) & plate.wells["mfi"].notna()]
    standards = wells[wells["expected"] > 0]
    curves = fit_curves([plate])
    for level in sorted(standards["expected"].unique()):
        rest = plate.wells[plate.wells["expected"] != level].reset_index(drop=True)
        left = fit_curves([replace(plate, wells=rest)])
        for analyte in plate.analyte_names:
            whole = wells[wells["analyte"] == analyte]
            levels = whole.loc[whole["expected"] > 0, "expected"]
            if not curves[analyte].ok or level not in levels.to_numpy():
                continue
            ends = {float(levels.min()): "lowest", float(levels.max()): "highest"}
            yield Case(left[analyte], whole, level, ends.get(level, "interior"))


def by_cytokit(case: Case) -> float:
    """Ln of the predicted concentration; NaN where there is none."""
    if not case.curve.ok:
        return np.nan
    return float(np.log(case.curve.invert(case.mfi)[0][0]))


def log_curve(p: Floats, log_x: Floats) -> Floats:
    """Ln y of a curve with parameters ln a, ln (d - a), ln b, ln c, ln g; ln x is -inf at 0."""
    log_a, log_s, log_b, log_c, log_g = p
    t = np.exp(log_b) * (log_x - log_c)
    psi = -np.expm1(-np.exp(log_g) * np.logaddexp(0.0, t))
    return np.asarray(np.logaddexp(log_a, log_s + np.log(psi)))


def by_log_least_squares(case: Case, *, five: bool) -> float:
    """Ln of the concentration predicted by 5PL or 4PL (g = 1) least squares on ln y."""
    used = ~case.out & (case.whole["mfi"] > 0).to_numpy()
    x, log_y = case.whole["expected"].to_numpy()[used], np.log(case.whole["mfi"].to_numpy()[used])
    log_x = np.log(x)
    low, high = log_x[x > 0].min(), log_x[x > 0].max()

    def whole(p: Floats) -> Floats:
        return p if five else np.r_[p, 0.0]

    def residual(p: Floats) -> Floats:
        found = log_y - log_curve(whole(p), log_x)
        return np.where(np.isfinite(found), found, 1e6)

    best, least = None, np.inf
    for slope, place in STARTS:
        middle = low + place * (high - low)
        start = np.r_[log_y.min(), log_y.max(), np.log(slope), middle, 0.0][: 5 if five else 4]
        found = least_squares(residual, start, method="lm", max_nfev=MOST_CALLS)
        if found.cost < least:
            best, least = whole(found.x), found.cost
    return np.nan if best is None else inverse(best, case.mfi)


def inverse(p: Floats, y: float) -> float:
    """Ln x at which the curve reads `y`; NaN beyond its plateaus."""
    a, s, b, _, g = np.exp(p)
    psi = (y - a) / s
    if not 0 < psi < 1:
        return np.nan
    return float(p[3] + np.log(np.expm1(-np.log1p(-psi) / g)) / b)


METHODS: dict[str, Callable[[Case], float]] = {
    "cytokit": by_cytokit,
    "4PL, least squares on log y": partial(by_log_least_squares, five=False),
    "5PL, least squares on log y": partial(by_log_least_squares, five=True),
}


def error_table(found: list[Case]) -> pd.DataFrame:
    """|log2(predicted / expected)| of each case by each method; infinite without prediction."""
    rows = []
    for case in found:
        row: dict[str, object] = {"where": case.where, "curve": case.curve.analyte}
        for name, method in METHODS.items():
            error = abs(method(case) - np.log(case.expected)) / np.log(2.0)
            row[name] = error if np.isfinite(error) else np.inf
        rows.append(row)
    return pd.DataFrame(rows)


def quantiles(errors: Floats) -> Floats:
    """Median and p90 down the rows; infinite where so many have no prediction."""
    return np.quantile(errors, QUANTILES, axis=0, method="inverted_cdf")


def summary(errors: pd.DataFrame) -> Iterator[str]:
    """Median and p90 of each method, how they stand to ours, how often ours is the closer."""
    values = errors[list(METHODS)].to_numpy()
    ours = values[:, 0]
    _, curve = np.unique(errors["curve"].to_numpy(dtype=str), return_inverse=True)
    members = [np.flatnonzero(curve == number) for number in range(curve.max() + 1)]
    rng = np.random.default_rng(SEED)
    drawn = []
    for _ in range(BOOTSTRAPS):
        picked = rng.integers(0, len(members), len(members))
        drawn.append(quantiles(values[np.concatenate([members[one] for one in picked])]))
    whole, draws = quantiles(values), np.array(drawn)
    for number, name in enumerate(METHODS):
        line = f"  {name:30s}"
        for rank in range(len(QUANTILES)):
            line += f"{whole[rank, number]:8.3f}{ratio(whole[rank], draws[:, rank], number):>19s}"
        apart = values[:, number] != ours
        closer = f"{(ours < values[:, number])[apart].mean():8.0%}" if apart.any() else f"{'-':>8s}"
        yield f"{line}{np.isinf(values[:, number]).mean():11.1%}{closer}"


def ratio(whole: Floats, draws: Floats, number: int) -> str:
    """A method's error over ours, with its interval; nothing where either is infinite."""
    if number == 0 or not np.isfinite(whole[[0, number]]).all():
        return "-"
    drawn = draws[:, number] / draws[:, 0]
    if np.isnan(drawn).any():
        return f"{whole[number] / whole[0]:.2f}"
    low, high = np.quantile(drawn, (0.025, 0.975), method="inverted_cdf")
    return f"{whole[number] / whole[0]:.2f} ({low:.2f}-{high:.2f})"


def report(panels: dict[str, list[Plate]]) -> Iterator[str]:
    """The lines of the report."""
    packages = ", ".join(f"{name} {version(name)}" for name in ("numpy", "scipy"))
    yield f"leave one level out, |log2(predicted / expected)|; {packages}"
    yield "a level without prediction counts as infinitely wrong; / ours: ratio to cytokit's, above"
    yield "1 in cytokit's favour, with the 95 % interval of a bootstrap over curves"
    yield "closer: share of the levels for which cytokit's prediction is the nearer one"
    for panel, plates in panels.items():
        tables = [error_table(list(cases(plate))) for plate in plates]
        errors = pd.concat(
            [table.assign(curve=f"{n} " + table["curve"]) for n, table in enumerate(tables)]
        )
        parts = {where: errors[errors["where"] == where] for where in PLACES}
        for place, some in {"all levels": errors, **parts}.items():
            yield ""
            yield f"{panel}, {place}: {len(some)} predictions"
            yield HEADING
            yield from summary(some)


def main() -> int:
    """Print the report, and write it to a file if asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    folder = Path(os.environ.get("CYTOKIT_REAL_DATA", ROOT.parent / "shared" / "real"))
    if not folder.is_dir():
        print("the real plates are not there: set CYTOKIT_REAL_DATA", file=sys.stderr)
        return 1
    lines = []
    with np.errstate(all="ignore"):  # least squares on log y overflows on its way, and ln 0 is -inf
        for line in report(read_plates(folder)):
            print(line, flush=True)
            lines.append(line)
    if options.output is not None:
        options.output.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
