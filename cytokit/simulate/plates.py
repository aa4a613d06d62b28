"""One simulated plate: where things stand on it, and what the instrument reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cytokit.errors import Problem, UsageError
from cytokit.plate import PLATE_SHAPES, Plate, SourceInfo, make_wells
from cytokit.simulate.panel import Array, SimulatedAnalyte
from cytokit.vocabulary import ANALYTE_COLUMNS, WellType

#: a control's kit range, as a share of its expected concentration
CONTROL_RANGE = (0.7, 1.3)


@dataclass(frozen=True, slots=True)
class PlatePlan:
    """What stands on a plate, and how noisy it is.

    Parameters
    ----------
    size : {96, 384}
        Wells.
    levels, fold : int, float
        Number of standards and their dilution step.
    replicates : int
        Wells per standard, blank, control and sample.
    controls : sequence of float
        Expected concentration of each control as a share of the top standard.
    dilution_factor : float
        Of the samples.
    cv, noise : float
        Well-to-well error: share of the signal, and MFI that does not depend on it.
    plate_sd : float
        Spread of the plate's own multiplicative effect on the signal (ln scale).
    min_beads : int
        What the protocol asks for; counts scatter well above it.

    Raises
    ------
    UsageError
        CK-619 if there is no such plate, or a count or factor is not above zero.
    """

    size: int = 96
    levels: int = 8
    fold: float = 4.0
    replicates: int = 2
    controls: Sequence[float] = (0.02, 0.1)
    dilution_factor: float = 2.0
    cv: float = 0.06
    noise: float = 1.5
    plate_sd: float = 0.05
    min_beads: int = 50

    def __post_init__(self) -> None:
        problems = []
        if self.size not in PLATE_SHAPES:
            sizes = " or ".join(map(str, PLATE_SHAPES))
            problems.append(
                Problem("CK-619", f"no plate has {self.size} wells", mend=f"say {sizes}")
            )
        for name in ("levels", "replicates", "fold", "dilution_factor"):
            if not getattr(self, name) > 0:
                what = f"{name} is {getattr(self, name)}; it must be above zero"
                problems.append(Problem("CK-619", what, mend="correct the plan of the plate"))
        if problems:
            raise UsageError(*problems)

    @property
    def capacity(self) -> int:
        """How many samples fit beside standards, a blank and the controls."""
        return self.size // self.replicates - self.levels - 1 - len(self.controls)


def simulate_plate(
    analytes: Sequence[SimulatedAnalyte],
    samples: Mapping[str, Array],
    *,
    rng: np.random.Generator,
    plan: PlatePlan | None = None,
    name: str = "simulated plate",
) -> Plate:
    """A plate with known truth.

    Parameters
    ----------
    analytes : sequence of SimulatedAnalyte
        The panel, in the order of the export.
    samples : mapping of str to array of shape (n_analytes,)
        True concentrations in the undiluted sample.
    rng : numpy.random.Generator
        Source of all randomness.
    plan : PlatePlan, optional
        Layout and noise.
    name : str
        The plate's name.

    Returns
    -------
    Plate

    Raises
    ------
    UsageError
        If more samples are given than the plate holds.

    Examples
    --------
    >>> import numpy as np
    >>> from cytokit.simulate import CYTOKINES
    >>> truth = {"P1": np.full(6, 100.0)}
    >>> simulate_plate(CYTOKINES, truth, rng=np.random.default_rng(1)).size
    96
    """
    plan = plan or PlatePlan()
    if len(samples) > plan.capacity:
        raise UsageError(
            Problem(
                "CK-610",
                f"{len(samples)} samples do not fit on a {plan.size}-well plate that holds "
                f"{plan.capacity} beside its standards",
                mend="use more plates, fewer replicates or a 384-well plate",
            )
        )
    wells = _positions(plan, samples)
    at_bead = _concentrations(plan, analytes, samples, wells)
    mfi = _read(plan, analytes, at_bead, rng)
    counts = plan.min_beads + rng.poisson(35, size=mfi.shape)
    rows: list[dict[str, Any]] = []
    for i, (well, sample, kind) in enumerate(wells):
        for j, analyte in enumerate(analytes):
            rows.append(
                {
                    "well": well,
                    "sample": sample,
                    "well_type": str(kind),
                    "analyte": analyte.name,
                    "dilution_factor": plan.dilution_factor if kind is WellType.UNKNOWN else 1.0,
                    "mfi": mfi[i, j],
                    "bead_count": counts[i, j],
                    **_expected(kind, at_bead[i, j]),
                }
            )
    table = make_wells(rows)
    blanks = table[table["well_type"] == str(WellType.BLANK)].groupby("analyte")["mfi"].mean()
    table["net_mfi"] = table["mfi"] - table["analyte"].map(blanks).astype("float64")
    declared = [(a.name, str(12 + 3 * j), a.unit, plan.min_beads) for j, a in enumerate(analytes)]
    return Plate(
        name=name,
        source=SourceInfo(path=name, sha256="", format="simulated"),
        wells=table,
        analytes=pd.DataFrame(declared, columns=list(ANALYTE_COLUMNS)),
    )


def _positions(plan: PlatePlan, samples: Mapping[str, Array]) -> list[tuple[str, str, WellType]]:
    """Wells down the columns: blank, standards from the lowest, controls, samples."""
    names = [("Background0", WellType.BLANK)]
    names += [(f"Standard{i + 1}", WellType.STANDARD) for i in range(plan.levels)]
    names += [(f"Control{i + 1}", WellType.CONTROL) for i in range(len(plan.controls))]
    names += [(sample, WellType.UNKNOWN) for sample in samples]
    rows, _ = PLATE_SHAPES[plan.size]
    repeated = [entry for entry in names for _ in range(plan.replicates)]
    return [
        (f"{chr(ord('A') + i % rows)}{i // rows + 1}", sample, kind)
        for i, (sample, kind) in enumerate(repeated)
    ]


def _concentrations(
    plan: PlatePlan,
    analytes: Sequence[SimulatedAnalyte],
    samples: Mapping[str, Array],
    wells: Sequence[tuple[str, str, WellType]],
) -> Array:
    """True concentration at the bead, wells x analytes."""
    tops = np.array([analyte.top for analyte in analytes])
    series = {
        f"Standard{i + 1}": tops / plan.fold ** (plan.levels - 1 - i) for i in range(plan.levels)
    }
    controls = {f"Control{i + 1}": tops * share for i, share in enumerate(plan.controls)}
    blank = {"Background0": np.zeros_like(tops)}
    diluted = {name: truth / plan.dilution_factor for name, truth in samples.items()}
    at_bead = {
        WellType.BLANK: blank,
        WellType.STANDARD: series,
        WellType.CONTROL: controls,
        WellType.UNKNOWN: diluted,
    }
    return np.stack([at_bead[kind][sample] for _, sample, kind in wells])


def _expected(kind: WellType, at_bead: float) -> dict[str, float]:
    if kind is WellType.UNKNOWN:
        return {}
    if kind is not WellType.CONTROL:
        return {"expected": at_bead}
    low, high = CONTROL_RANGE
    return {"expected": at_bead, "expected_low": low * at_bead, "expected_high": high * at_bead}


def _read(
    plan: PlatePlan,
    analytes: Sequence[SimulatedAnalyte],
    at_bead: Array,
    rng: np.random.Generator,
) -> Array:
    """MFI as the instrument prints it: medians in steps of a half, never under a half."""
    shift = np.exp(plan.plate_sd * rng.standard_normal(len(analytes)))
    mean = np.stack([a.response(at_bead[:, j]) for j, a in enumerate(analytes)], axis=1) * shift
    error = plan.cv * mean * rng.standard_normal(mean.shape)
    error += plan.noise * rng.standard_normal(mean.shape)
    return np.maximum(np.round(2 * (mean + error)) / 2, 0.5)
