"""Folders of results: written whole, read and checked, repeated; the study run."""
