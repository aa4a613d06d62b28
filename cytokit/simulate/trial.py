"""A two-arm trial with known truth: who, which group, which day, what concentration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cytokit.errors import Problem, UsageError, did_you_mean
from cytokit.plate import Plate
from cytokit.simulate.panel import CYTOKINES, Array, SimulatedAnalyte, panel
from cytokit.simulate.plates import PlatePlan, simulate_plate
from cytokit.simulate.writers import WRITERS
from cytokit.vocabulary import DesignStatus

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
    """A trial's plates with the truth behind them.

    Parameters
    ----------
    plates : tuple of Plate
        What the instrument read.
    design : pandas.DataFrame
        sample, subject, group, day, status; a subject that died before day 6 has no sample.
    truth : pandas.DataFrame
        analyte, unit, ratio (treated / control at day 6 given day 0).
    true_concentrations : pandas.DataFrame
        sample, analyte, concentration.
    seed : int
        What the generator was started with.
    """

    plates: tuple[Plate, ...]
    design: pd.DataFrame
    truth: pd.DataFrame
    true_concentrations: pd.DataFrame
    seed: int

    def files(self, export_format: str = "xponent") -> dict[str, bytes]:
        """The trial's files by name, ready to be written.

        Parameters
        ----------
        export_format : str
            A key of :data:`cytokit.simulate.writers.WRITERS`.

        Returns
        -------
        dict of str to bytes
            The plates, what goes with them in this format (a layout, a lots file), the design, the
            truth and a README.

        Raises
        ------
        UsageError
            CK-611 if the format is not one cytokit writes; CK-614 to CK-620 if it cannot hold the
            plates.
        """
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
    order = _plate_order(design)
    for number, start in enumerate(range(0, subjects, per_plate), start=1):
        aboard = set(order[start : start + per_plate])
        samples = present[present["subject"].isin(aboard)]["sample"]
        readings = {str(sample): truth[sample] for sample in samples}
        name = f"plate_{number}"
        plates.append(simulate_plate(chosen, readings, rng=rng, plan=plan, name=name))
    return SimulatedTrial(
        plates=tuple(plates),
        design=design,
        truth=pd.DataFrame([(a.name, a.unit, a.ratio) for a in chosen], columns=_TRUTH),
        true_concentrations=_long(truth, chosen),
        seed=seed,
    )


_TRUTH = ["analyte", "unit", "ratio"]


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
    problems = [
        Problem(
            "CK-616",
            f"{names.count(name)} analytes are called {name!r}"
            if name
            else "an analyte has no name",
            mend="name every analyte once",
        )
        for name in dict.fromkeys(names)
        if names.count(name) > 1 or not name
    ]
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


def _plate_order(design: pd.DataFrame) -> list[str]:
    """Subjects as they fill the plates: alternating arms keep every plate balanced."""
    return [str(subject) for subject in design["subject"].unique()]


def _concentrations(
    rng: np.random.Generator, design: pd.DataFrame, analytes: Sequence[SimulatedAnalyte]
) -> dict[str, Array]:
    """True concentration of each sample, one value per analyte."""
    mean = np.log([analyte.plasma for analyte in analytes])
    effect = np.log([analyte.ratio for analyte in analytes])
    truth: dict[str, Array] = {}
    for _, rows in design.groupby("subject", sort=True):
        day0 = SUBJECT_SD * rng.standard_normal(len(analytes))
        error = SUBJECT_SD * np.sqrt(1 - DAY_CORRELATION**2) * rng.standard_normal(len(analytes))
        treated = float(rows["group"].iloc[0] == "treated")
        day6 = COMMON_CHANGE + DAY_CORRELATION * day0 + error + treated * effect
        for sample, day in zip(rows["sample"], rows["day"], strict=True):
            if sample:
                truth[str(sample)] = np.exp(mean + (day0 if day == 0 else day6))
    return truth


def _long(truth: dict[str, Array], analytes: Sequence[SimulatedAnalyte]) -> pd.DataFrame:
    rows = [
        (sample, analyte.name, round(float(value), 6))
        for sample, values in truth.items()
        for analyte, value in zip(analytes, values, strict=True)
    ]
    return pd.DataFrame(rows, columns=["sample", "analyte", "concentration"])
