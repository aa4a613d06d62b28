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
    from cytokit.simulate import simulate_trial
    from cytokit.stats import Comparison, compare
    from cytokit.study import Study, read_design

_PUBLIC = {
    "Comparison": "cytokit.stats",
    "CurveSet": "cytokit.curves.fit",
    "CytokitError": "cytokit.errors",
    "Plate": "cytokit.plate",
    "PlateFit": "cytokit.platefit",
    "StandardCurve": "cytokit.curves.fit",
    "Study": "cytokit.study",
    "compare": "cytokit.stats",
    "fit": "cytokit.platefit",
    "read_design": "cytokit.study",
    "read_plate": "cytokit.parsers",
    "read_plates": "cytokit.parsers",
    "simulate_trial": "cytokit.simulate",
}

__all__ = [
    "Comparison",
    "CurveSet",
    "CytokitError",
    "Plate",
    "PlateFit",
    "StandardCurve",
    "Study",
    "compare",
    "fit",
    "read_design",
    "read_plate",
    "read_plates",
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
