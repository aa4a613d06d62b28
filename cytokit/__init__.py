"""cytokit: from a multiplex cytokine plate's export to the trial's figure.

The public names are loaded when first used, so that ``import cytokit`` costs next to nothing.

Examples
--------
>>> import cytokit as ck
>>> ck.__version__.count(".")
2
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cytokit.curves.fit import CurveSet, StandardCurve
    from cytokit.curves.platefit import PlateFit, fit
    from cytokit.errors import CytokitError
    from cytokit.parsers.read import read_plate, read_plates
    from cytokit.plate import Plate
    from cytokit.qc.control import QualityControl, quality_control
    from cytokit.results.stream import fit_to
    from cytokit.results.study_run import run_study
    from cytokit.simulate.trials import simulate_trial
    from cytokit.tables.designs import read_design
    from cytokit.tables.pseudonyms import pseudonymise, read_pseudonyms
    from cytokit.trial.bridging import Bridge
    from cytokit.trial.compare import compare
    from cytokit.trial.comparison import Comparison
    from cytokit.trial.power import Scenario, needed, power
    from cytokit.trial.study import Study, bridge

_PUBLIC = {
    "Bridge": "cytokit.trial.bridging",
    "Comparison": "cytokit.trial.comparison",
    "CurveSet": "cytokit.curves.fit",
    "CytokitError": "cytokit.errors",
    "Plate": "cytokit.plate",
    "PlateFit": "cytokit.curves.platefit",
    "QualityControl": "cytokit.qc.control",
    "Scenario": "cytokit.trial.power",
    "StandardCurve": "cytokit.curves.fit",
    "Study": "cytokit.trial.study",
    "bridge": "cytokit.trial.study",
    "compare": "cytokit.trial.compare",
    "fit": "cytokit.curves.platefit",
    "fit_to": "cytokit.results.stream",
    "needed": "cytokit.trial.power",
    "power": "cytokit.trial.power",
    "pseudonymise": "cytokit.tables.pseudonyms",
    "quality_control": "cytokit.qc.control",
    "read_design": "cytokit.tables.designs",
    "read_plate": "cytokit.parsers.read",
    "read_plates": "cytokit.parsers.read",
    "read_pseudonyms": "cytokit.tables.pseudonyms",
    "run_study": "cytokit.results.study_run",
    "simulate_trial": "cytokit.simulate.trials",
}

__all__ = [
    "Bridge",
    "Comparison",
    "CurveSet",
    "CytokitError",
    "Plate",
    "PlateFit",
    "QualityControl",
    "Scenario",
    "StandardCurve",
    "Study",
    "bridge",
    "compare",
    "fit",
    "fit_to",
    "needed",
    "power",
    "pseudonymise",
    "quality_control",
    "read_design",
    "read_plate",
    "read_plates",
    "read_pseudonyms",
    "run_study",
    "simulate_trial",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("cytokit-luminex")
    if name in _PUBLIC:
        return getattr(importlib.import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'cytokit' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
