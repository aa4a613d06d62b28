"""Every export family, one module each, and the registry that finds the right one.

A parser module has ``NAME``, ``TITLE``, ``sniff(raw) -> bool`` and ``read(raw) -> list[Plate]``.
Adding a family is one such file and one line in ``_registry.py``; CONTRIBUTING.md shows an example.
The family is decided from the content, never from the file's ending; exactly one module must claim
a file.
"""

from __future__ import annotations

from cytokit.parsers._files import (
    distinct_names,
    read_file,
    read_plate,
    read_plates,
    renamed,
    unique_names,
)
from cytokit.parsers._folders import FoundFiles, find_plates
from cytokit.parsers._registry import PARSERS, Parser, recognise
from cytokit.parsers._twins import refuse_twins, twin_findings

__all__ = [
    "PARSERS",
    "FoundFiles",
    "Parser",
    "distinct_names",
    "find_plates",
    "read_file",
    "read_plate",
    "read_plates",
    "recognise",
    "refuse_twins",
    "renamed",
    "twin_findings",
    "unique_names",
]
