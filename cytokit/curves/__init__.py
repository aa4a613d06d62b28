"""Standard curves: model, solver, noise, limits, checks; from plates to concentrations."""
