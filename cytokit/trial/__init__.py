"""A trial: study and design, comparisons between groups and days, and planning."""
