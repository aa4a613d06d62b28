"""The command line: one file per command, thin; installed as ``cytokit_cli``."""
