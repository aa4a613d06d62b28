"""Plates and trials with known truth, written in real export formats."""
