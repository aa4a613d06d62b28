"""The schema explains every column and every term, in sentences."""

from __future__ import annotations

import pytest

from cytokit import schema
from cytokit.flags import FLAGS
from cytokit.schema import TABLES


def test_a_column_has_one_kind_in_all_tables():
    for table in TABLES.values():
        for name, column in table.columns.items():
            named = schema.column_named(name)
            assert named is not None
            assert (named.kind, named.sheet) == (column.kind, column.sheet), name
    assert schema.column_named("no such column") is None


@pytest.mark.parametrize(
    ("explained", "terms"),
    [
        (schema.STATUSES, schema.RangeStatus),
        (schema.VERDICTS, schema.Verdict),
        (schema.PLATE_VERDICTS, schema.PlateVerdict),
        (schema.SEVERITIES, schema.Severity),
        (schema.WELL_TYPES, schema.WellType),
        (schema.VENDOR_STATUSES, schema.VendorStatus),
    ],
)
def test_every_term_is_explained(explained, terms):
    assert set(explained) == {str(term) for term in terms}


def test_sentences_are_sentences():
    meanings = [column.meaning for table in TABLES.values() for column in table.columns.values()]
    meanings += [table.meaning for table in TABLES.values()]
    meanings += [term.meaning for term in schema.STATUSES.values()]
    meanings += [flag.meaning for flag in FLAGS.values()]
    for meaning in meanings:
        assert meaning[0].isupper(), meaning
        assert meaning.endswith("."), meaning


def test_units_are_stated():
    concentration = TABLES["samples"].columns["concentration"]
    assert concentration.explained("pg/mL").endswith("[pg/mL]")
    assert concentration.explained().endswith("[the plate's unit]")
    assert TABLES["curves"].columns["slope"].explained() == "Slope parameter (b)."
