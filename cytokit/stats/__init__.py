"""Comparisons between groups and days."""

from cytokit.stats.comparison import Comparison
from cytokit.stats.pipeline import compare

__all__ = ["Comparison", "compare"]
