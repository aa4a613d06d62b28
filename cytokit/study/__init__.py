"""Study: concentrations joined to who, group and day; the design checked before any statistics."""

from cytokit.study.bridging import Bridge, bridge
from cytokit.study.design import Design, read_design
from cytokit.study.study import Study

__all__ = ["Bridge", "Design", "Study", "bridge", "read_design"]
