"""The data dictionary knows every column, status and verdict."""

from __future__ import annotations

import pytest

from cytokit import vocabulary
from cytokit.flags import FLAGS
from cytokit.report import words
from cytokit.trial.comparison import EXTRA_COLUMNS
from cytokit.trial.sensitivity import PANEL_COLUMNS
from cytokit.trial.summary import DETECTABILITY_COLUMNS, SUMMARY_EXTRA_COLUMNS

COLUMNS = {
    "wells": vocabulary.WELLS_COLUMNS,
    "samples": vocabulary.SAMPLES_COLUMNS,
    "standards": vocabulary.STANDARDS_COLUMNS,
    "curves": vocabulary.CURVES_COLUMNS,
    "flags": vocabulary.FLAG_COLUMNS,
    "exclusions": vocabulary.EXCLUSION_COLUMNS,
    "plates": vocabulary.PLATES_COLUMNS,
    "comparisons": vocabulary.COMPARISON_COLUMNS,
    "summary": vocabulary.SUMMARY_COLUMNS,
    "detectability": DETECTABILITY_COLUMNS,
    "sensitivity": PANEL_COLUMNS,
    "bridge": vocabulary.BRIDGE_COLUMNS,
    "qc_series": vocabulary.QC_SERIES_COLUMNS,
    "qc_flags": vocabulary.QC_FLAG_COLUMNS,
    "qc_drift": vocabulary.QC_DRIFT_COLUMNS,
    "qc_steps": vocabulary.QC_STEP_COLUMNS,
}


def test_every_table_is_explained():
    assert set(words.TABLES) == set(COLUMNS) == set(words.TABLE_MEANINGS)


#: what follows the agreed columns
MORE = {
    "samples": vocabulary.SAMPLES_EXTRA_COLUMNS,
    "comparisons": EXTRA_COLUMNS,
    "summary": SUMMARY_EXTRA_COLUMNS,
}


@pytest.mark.parametrize("table", COLUMNS)
def test_every_column_is_explained_in_order(table):
    assert tuple(words.TABLES[table]) == (*COLUMNS[table], *MORE.get(table, ()))


def test_a_column_has_one_kind_in_all_tables():
    for columns in words.TABLES.values():
        for name, word in columns.items():
            assert words.COLUMN_KINDS[name] == word.kind, name


@pytest.mark.parametrize(
    ("explained", "terms"),
    [
        (words.STATUSES, vocabulary.RangeStatus),
        (words.VERDICTS, vocabulary.Verdict),
        (words.SEVERITIES, vocabulary.Severity),
        (words.WELL_TYPES, vocabulary.WellType),
        (words.VENDOR_STATUSES, vocabulary.VendorStatus),
    ],
)
def test_every_term_is_explained(explained, terms):
    assert set(explained) == {str(term) for term in terms}


def test_sentences_are_sentences():
    meanings = [word.meaning for columns in words.TABLES.values() for word in columns.values()]
    meanings += [word.meaning for word in words.STATUSES.values()]
    meanings += [text.meaning for text in FLAGS.values()]
    meanings += words.TABLE_MEANINGS.values()
    for meaning in meanings:
        assert meaning[0].isupper(), meaning
        assert meaning.endswith("."), meaning


def test_units_are_stated():
    assert words.explain("samples", "concentration", "pg/mL").endswith("[pg/mL]")
    assert words.explain("samples", "concentration").endswith("[the plate's unit]")
    assert words.explain("curves", "slope") == "Slope parameter (b)."
