"""A simulated trial that travels with cytokit; `cytokit demo` copies it. Nothing was measured."""
