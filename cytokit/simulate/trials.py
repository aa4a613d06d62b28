"""A two-arm trial with known truth: who, which group, which day, what concentration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from cytokit.arrays import Floats
from cytokit.errors import Problem, UsageError, did_you_mean
from cytokit.plate import PLATE_SHAPES, Plate, SourceInfo, make_wells
from cytokit.schema import ANALYTE_COLUMNS, DesignStatus, WellType
from cytokit.simulate.exports import WRITERS, name_problems

# The simulated panel: for each analyte its true standard curve, level in plasma and effect.


@dataclass(frozen=True, slots=True)
class SimulatedAnalyte:
    """Truth about one analyte.

    The response is ``lower + (upper - lower) * (1 + (x / inflection) ** -slope) ** -asymmetry``,
    the form that fits real Luminex curves best.
    """

    name: str
    lower: float
    upper: float
    inflection: float
    slope: float
    asymmetry: float
    top: float
    plasma: float
    ratio: float
    unit: str = "pg/mL"

    def response(self, concentration: Floats) -> Floats:
        """MFI at a concentration at the bead (zero allowed)."""
        with np.errstate(divide="ignore"):  # ln 0 is -inf on purpose: the response at zero is lower
            t = -self.slope * (np.log(concentration) - np.log(self.inflection))
        # (1 + e^t)^-g by way of log1p, so that t = inf gives exactly 0
        share: Floats = np.exp(-self.asymmetry * np.logaddexp(0.0, t))
        return self.lower + (self.upper - self.lower) * share


#: The analytes of the trial's Figure 3 with levels of the order seen in severe COVID-19.
CYTOKINES = (
    SimulatedAnalyte("IFNg", 12, 16000, 1500, 1.10, 0.90, 10000, 45, 0.45),
    SimulatedAnalyte("IL-6", 15, 24000, 1100, 1.25, 0.80, 10000, 150, 0.35),
    SimulatedAnalyte("TNFa", 14, 18000, 1600, 1.05, 1.10, 10000, 40, 0.55),
    SimulatedAnalyte("RANTES", 30, 21000, 1300, 1.20, 0.75, 10000, 9000, 0.60),
    SimulatedAnalyte("GM-CSF", 10, 12000, 1900, 1.00, 1.00, 10000, 6, 0.60),
    SimulatedAnalyte("PDGF-BB", 22, 19000, 1200, 1.15, 0.85, 10000, 1200, 0.70),
)


def panel(names: Sequence[str], effect: float | None = None) -> tuple[SimulatedAnalyte, ...]:
    """Simulated analytes by name; names not in :data:`CYTOKINES` borrow a curve in turn."""
    known = {analyte.name: analyte for analyte in CYTOKINES}
    chosen = []
    for index, name in enumerate(names):
        analyte = known.get(name) or replace(CYTOKINES[index % len(CYTOKINES)], name=name)
        chosen.append(analyte if effect is None else replace(analyte, ratio=effect))
    return tuple(chosen)


# One simulated plate: where things stand on it, and what the instrument reads.


#: a control's kit range, as a share of its expected concentration
CONTROL_RANGE = (0.7, 1.3)


@dataclass(frozen=True, slots=True)
class PlatePlan:
    """What stands on a plate, and how noisy it is."""

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
    samples: Mapping[str, Floats],
    *,
    rng: np.random.Generator,
    plan: PlatePlan | None = None,
    name: str = "simulated plate",
) -> Plate:
    """A plate with known truth."""
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
    at_bead = _at_bead(plan, analytes, samples, wells)
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


def _positions(plan: PlatePlan, samples: Mapping[str, Floats]) -> list[tuple[str, str, WellType]]:
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


def _at_bead(
    plan: PlatePlan,
    analytes: Sequence[SimulatedAnalyte],
    samples: Mapping[str, Floats],
    wells: Sequence[tuple[str, str, WellType]],
) -> Floats:
    """True concentration at the bead, wells x analytes."""
    tops = np.array([analyte.top for analyte in analytes])
    series = {
        f"Standard{i + 1}": tops / plan.fold ** (plan.levels - 1 - i) for i in range(plan.levels)
    }
    controls = {f"Control{i + 1}": tops * share for i, share in enumerate(plan.controls)}
    blank = {"Background0": np.zeros_like(tops)}
    diluted = {name: truth / plan.dilution_factor for name, truth in samples.items()}
    levels = {
        WellType.BLANK: blank,
        WellType.STANDARD: series,
        WellType.CONTROL: controls,
        WellType.UNKNOWN: diluted,
    }
    return np.stack([levels[kind][sample] for _, sample, kind in wells])


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
    at_bead: Floats,
    rng: np.random.Generator,
) -> Floats:
    """MFI as the instrument prints it: medians in steps of a half, never under a half."""
    shift = np.exp(plan.plate_sd * rng.standard_normal(len(analytes)))
    mean = np.stack([a.response(at_bead[:, j]) for j, a in enumerate(analytes)], axis=1) * shift
    error = plan.cv * mean * rng.standard_normal(mean.shape)
    error += plan.noise * rng.standard_normal(mean.shape)
    return np.maximum(np.round(2 * (mean + error)) / 2, 0.5)


#: spread between subjects and correlation of a subject's days, on ln concentration
SUBJECT_SD, DAY_CORRELATION = 0.7, 0.6
#: common change from day 0 to day 6, on ln concentration
COMMON_CHANGE = -0.15
#: with both of their days; a 384-well plate takes four times as many
SUBJECTS_PER_96_WELLS = 8

README = """# A simulated trial

Nothing here was measured. `cytokit simulate --seed {seed}` made every file: {subjects} subjects in
two arms, day 0 and day 6, on {plates} in {title} form. `truth.csv` holds the true ratios of
the arms at day 6 given day 0, `truth_samples.csv` the true concentrations, `design.csv` who is who.
{companions}"""


@dataclass(frozen=True)
class SimulatedTrial:
    """A trial's plates with the truth behind them."""

    plates: tuple[Plate, ...]
    design: pd.DataFrame
    truth: pd.DataFrame
    true_concentrations: pd.DataFrame
    seed: int

    def files(self, export_format: str = "xponent") -> dict[str, bytes]:
        """The trial's files by name, ready to be written."""
        if export_format not in WRITERS:
            raise UsageError(
                Problem(
                    "CK-611",
                    f"cytokit does not simulate the format {export_format!r}",
                    mend=f"choose one of {', '.join(WRITERS)}",
                    near=did_you_mean(export_format, list(WRITERS)),
                )
            )
        writer = WRITERS[export_format]
        files = {f"{plate.name}.{writer.suffix}": writer.write(plate) for plate in self.plates}
        tables = {
            "design.csv": self.design,
            "truth.csv": self.truth,
            "truth_samples.csv": self.true_concentrations,
        }
        for name, table in tables.items():
            files[name] = table.to_csv(index=False, lineterminator="\n").encode()
        for companion in writer.companions:
            files[companion.name] = companion.write(self.plates)
        files["README.md"] = README.format(
            seed=self.seed,
            subjects=self.design["subject"].nunique(),
            plates="1 plate" if len(self.plates) == 1 else f"{len(self.plates)} plates",
            title=writer.title,
            companions="".join(f"\n{companion.about}\n" for companion in writer.companions),
        ).encode()
        return files


def simulate_trial(
    *,
    seed: int = 1,
    subjects: int = 24,
    analytes: Sequence[str] | None = None,
    effect: float | None = None,
    deaths: tuple[int, int] = (1, 2),
    plan: PlatePlan | None = None,
) -> SimulatedTrial:
    """Simulate a two-arm trial with day 0 and day 6.

    On the ln scale, day 6 is the mean, a common change, the correlation times the subject's
    deviation at day 0, ln ratio in the treated, and an error: the true ratio is what an analysis
    of covariance estimates. Both days of a subject stand on one plate, and every plate holds as
    many of one arm as of the other.

    Parameters
    ----------
    seed : int
        Start of the random numbers; the same seed gives the same trial.
    subjects : int
        Even; half in each arm.
    analytes : sequence of str, optional
        Names; the six of the trial where not given.
    effect : float, optional
        One true ratio for every analyte, instead of each analyte's own.
    deaths : tuple of int
        How many of the treated and of the controls die before day 6, chosen at random.
    plan : PlatePlan, optional
        Layout and noise of the plates.

    Returns
    -------
    SimulatedTrial

    Raises
    ------
    UsageError
        CK-612 if the number of subjects is odd or under four, CK-613 if more die than there are,
        CK-616 if an analyte has no name or two share one, CK-610 if the plates are too small.

    Examples
    --------
    >>> trial = simulate_trial(seed=1, subjects=8)
    >>> len(trial.plates), len(trial.design)
    (1, 16)
    """
    _check(subjects, deaths)
    _check_names(analytes)
    plan = plan or PlatePlan()
    chosen = CYTOKINES if analytes is None else panel(analytes, effect)
    if analytes is None and effect is not None:
        chosen = panel([analyte.name for analyte in CYTOKINES], effect)
    rng = np.random.default_rng(seed)
    design = _design(rng, subjects, deaths)
    truth = _concentrations(rng, design, chosen)
    present = design[design["status"] == str(DesignStatus.SAMPLED)]
    plates = []
    per_plate = _subjects_per_plate(plan)
    # alternating arms keep every plate balanced
    order = [str(subject) for subject in design["subject"].unique()]
    for number, start in enumerate(range(0, subjects, per_plate), start=1):
        aboard = set(order[start : start + per_plate])
        samples = present[present["subject"].isin(aboard)]["sample"]
        readings = {str(sample): truth[sample] for sample in samples}
        name = f"plate_{number}"
        plates.append(simulate_plate(chosen, readings, rng=rng, plan=plan, name=name))
    return SimulatedTrial(
        plates=tuple(plates),
        design=design,
        truth=pd.DataFrame(
            [(a.name, a.unit, a.ratio) for a in chosen], columns=["analyte", "unit", "ratio"]
        ),
        true_concentrations=_long(truth, chosen),
        seed=seed,
    )


def _check(subjects: int, deaths: tuple[int, int]) -> None:
    if subjects < 4 or subjects % 2:
        raise UsageError(
            Problem(
                "CK-612",
                f"{subjects} subjects cannot be split into two arms of at least two",
                mend="give an even number of at least 4",
            )
        )
    if max(deaths) > subjects // 2 or min(deaths) < 0:
        raise UsageError(
            Problem(
                "CK-613",
                f"{deaths[0]} and {deaths[1]} deaths do not fit arms of {subjects // 2}",
                mend="let at most all of an arm die",
            )
        )


def _check_names(analytes: Sequence[str] | None) -> None:
    names = list(analytes or ())
    problems = name_problems(names)
    if analytes is not None and not names:
        problems.append(Problem("CK-616", "no analyte is named", mend="name at least one"))
    if problems:
        raise UsageError(*problems)


def _subjects_per_plate(plan: PlatePlan) -> int:
    """An even number, so that both arms stand on every plate."""
    most = SUBJECTS_PER_96_WELLS * plan.size // 96
    per_plate = min(most, plan.capacity // 2 // 2 * 2)
    if per_plate < 2:
        what = (
            f"a {plan.size}-well plate holds {max(plan.capacity, 0)} samples beside its standards; "
            "two subjects have four"
        )
        mend = "plan fewer replicates, standards or controls"
        raise UsageError(Problem("CK-610", what, mend=mend))
    return per_plate


def _design(rng: np.random.Generator, subjects: int, deaths: tuple[int, int]) -> pd.DataFrame:
    """sample, subject, group, day, status; subjects alternate between the arms."""
    arms = ("treated", "control")
    names = [f"S{i + 1:02d}" for i in range(subjects)]
    dead: set[str] = set()
    for arm, count in enumerate(deaths):
        dead.update(rng.choice(np.array(names[arm::2]), size=count, replace=False).tolist())
    rows = []
    for i, subject in enumerate(names):
        for day in (0, 6):
            died = day == 6 and subject in dead
            status = DesignStatus.DIED if died else DesignStatus.SAMPLED
            sample = "" if died else f"{subject}-D{day}"
            rows.append((sample, subject, arms[i % 2], day, str(status)))
    return pd.DataFrame(rows, columns=["sample", "subject", "group", "day", "status"])


def _concentrations(
    rng: np.random.Generator, design: pd.DataFrame, analytes: Sequence[SimulatedAnalyte]
) -> dict[str, Floats]:
    """True concentration of each sample, one value per analyte."""
    mean = np.log([analyte.plasma for analyte in analytes])
    effect = np.log([analyte.ratio for analyte in analytes])
    truth: dict[str, Floats] = {}
    for _, rows in design.groupby("subject", sort=True):
        day0 = SUBJECT_SD * rng.standard_normal(len(analytes))
        error = SUBJECT_SD * np.sqrt(1 - DAY_CORRELATION**2) * rng.standard_normal(len(analytes))
        treated = float(rows["group"].iloc[0] == "treated")
        day6 = COMMON_CHANGE + DAY_CORRELATION * day0 + error + treated * effect
        for sample, day in zip(rows["sample"], rows["day"], strict=True):
            if sample:
                truth[str(sample)] = np.exp(mean + (day0 if day == 0 else day6))
    return truth


def _long(truth: dict[str, Floats], analytes: Sequence[SimulatedAnalyte]) -> pd.DataFrame:
    rows = [
        (sample, analyte.name, round(float(value), 6))
        for sample, values in truth.items()
        for analyte, value in zip(analytes, values, strict=True)
    ]
    return pd.DataFrame(rows, columns=["sample", "analyte", "concentration"])
