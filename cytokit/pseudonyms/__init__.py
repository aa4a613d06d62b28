"""Pseudonyms: other names for samples and subjects, the same in every output.

A table of sample and pseudonym is laid over a plate before anything is computed, and over a study
before its design is joined, so that tables, pages, workbooks, figures and manifests are made of
pseudonyms and there is nothing to search and replace in them. Only what a reader wrote in words
about a file (its findings) is text already: see :mod:`cytokit.pseudonyms.words`.
"""

from cytokit.pseudonyms.plates import applied_to, pseudonymise, require_same
from cytokit.pseudonyms.table import ROLE, Pseudonyms, read_pseudonyms
from cytokit.pseudonyms.words import check_words, clean_findings, errors_without_names

__all__ = [
    "ROLE",
    "Pseudonyms",
    "applied_to",
    "check_words",
    "clean_findings",
    "errors_without_names",
    "pseudonymise",
    "read_pseudonyms",
    "require_same",
]
