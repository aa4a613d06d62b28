"""Standard curves: model, weights, solver, limits, forensics."""
