"""Figures: results in, matplotlib Axes out; nothing is computed here."""
