"""Plates and trials with known truth, written in real export formats.

Everything made here is simulated by cytokit's own code and says so in its header lines.
"""

from __future__ import annotations

from cytokit.simulate.panel import CYTOKINES, SimulatedAnalyte
from cytokit.simulate.plates import PlatePlan, simulate_plate
from cytokit.simulate.trial import SimulatedTrial, simulate_trial

__all__ = [
    "CYTOKINES",
    "PlatePlan",
    "SimulatedAnalyte",
    "SimulatedTrial",
    "simulate_plate",
    "simulate_trial",
]
