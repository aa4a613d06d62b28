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
    from cytokit.errors import CytokitError
    from cytokit.parsers import read_plate, read_plates
    from cytokit.plate import Plate
    from cytokit.platefit import PlateFit, fit
    from cytokit.project import run_study
    from cytokit.pseudonyms import pseudonymise, read_pseudonyms
    from cytokit.qc import QualityControl, quality_control
    from cytokit.record.stream import fit_to
    from cytokit.simulate import simulate_trial
    from cytokit.stats import Comparison, compare
    from cytokit.stats.needed import needed
    from cytokit.stats.power import Scenario, power
    from cytokit.study import Bridge, Study, bridge, read_design

_PUBLIC = {
    "Bridge": "cytokit.study",
    "Comparison": "cytokit.stats",
    "CurveSet": "cytokit.curves.fit",
    "CytokitError": "cytokit.errors",
    "Plate": "cytokit.plate",
    "PlateFit": "cytokit.platefit",
    "QualityControl": "cytokit.qc",
    "Scenario": "cytokit.stats",
    "StandardCurve": "cytokit.curves.fit",
    "Study": "cytokit.study",
    "bridge": "cytokit.study",
    "compare": "cytokit.stats",
    "fit": "cytokit.platefit",
    "fit_to": "cytokit.record.stream",
    "needed": "cytokit.stats",
    "power": "cytokit.stats",
    "pseudonymise": "cytokit.pseudonyms",
    "quality_control": "cytokit.qc",
    "read_design": "cytokit.study",
    "read_plate": "cytokit.parsers",
    "read_plates": "cytokit.parsers",
    "read_pseudonyms": "cytokit.pseudonyms",
    "run_study": "cytokit.project",
    "simulate_trial": "cytokit.simulate",
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
