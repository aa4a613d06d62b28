"""Comparisons between groups and days, and the planning of the next trial."""

from cytokit.stats.comparison import Comparison
from cytokit.stats.needed import needed
from cytokit.stats.pipeline import compare
from cytokit.stats.power import Scenario, power
from cytokit.stats.ros import ros

__all__ = ["Comparison", "Scenario", "compare", "needed", "power", "ros"]
