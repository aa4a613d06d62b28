"""Plate-to-plate quality: control charts, a locked guide, Westgard rules, lots, drift."""
