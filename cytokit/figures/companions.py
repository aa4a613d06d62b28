"""Companions of the panels: trajectories, heat map of ratios, volcano, detectability."""

from __future__ import annotations

from cytokit.figures.style import (
    WIDTHS,
)

_WIDE = WIDTHS["double"]
