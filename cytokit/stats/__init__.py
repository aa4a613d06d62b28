"""Comparisons between groups and days."""
