"""Plate-to-plate quality: control charts, limits from a locked guide, Westgard rules, drift."""

from cytokit.qc.control import QualityControl, quality_control
from cytokit.qc.guide import Guide, lock_guide, read_guide

__all__ = ["Guide", "QualityControl", "lock_guide", "quality_control", "read_guide"]
