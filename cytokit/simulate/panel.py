"""The simulated panel: for each analyte its true standard curve, level in plasma and effect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SimulatedAnalyte:
    """Truth about one analyte.

    The response is ``lower + (upper - lower) * (1 + (x / inflection) ** -slope) ** -asymmetry``,
    the form that fits real Luminex curves best.

    Parameters
    ----------
    name, unit : str
        As printed in the export.
    lower, upper : float
        MFI at zero and at infinite concentration.
    inflection, slope, asymmetry : float
        Midpoint parameter (in ``unit``), steepness, asymmetry.
    top : float
        Highest standard, in ``unit`` at the bead.
    plasma : float
        Geometric mean in plasma at day 0.
    ratio : float
        True treated/control ratio at day 6 given day 0.
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

    def response(self, concentration: Array) -> Array:
        """MFI at a concentration at the bead (zero allowed).

        Examples
        --------
        >>> import numpy as np
        >>> float(CYTOKINES[0].response(np.array([0.0]))[0]) == CYTOKINES[0].lower
        True
        """
        with np.errstate(divide="ignore"):  # ln 0 is -inf on purpose: the response at zero is lower
            t = -self.slope * (np.log(concentration) - np.log(self.inflection))
        # (1 + e^t)^-g by way of log1p, so that t = inf gives exactly 0
        share: Array = np.exp(-self.asymmetry * np.logaddexp(0.0, t))
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
    """Simulated analytes by name; names not in :data:`CYTOKINES` borrow a curve in turn.

    Parameters
    ----------
    names : sequence of str
        Any text.
    effect : float, optional
        One true ratio for all, instead of each analyte's own.

    Examples
    --------
    >>> [analyte.name for analyte in panel(["IL-6", "my own"], effect=1.0)]
    ['IL-6', 'my own']
    """
    known = {analyte.name: analyte for analyte in CYTOKINES}
    chosen = []
    for index, name in enumerate(names):
        analyte = known.get(name) or replace(CYTOKINES[index % len(CYTOKINES)], name=name)
        chosen.append(analyte if effect is None else replace(analyte, ratio=effect))
    return tuple(chosen)
