"""Dates of runs: read where they are clear, left open where they are not."""

from __future__ import annotations

from datetime import datetime

import pytest

from cytokit.runs import date_order, read_date


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("1/15/2021 10:00:00 AM", datetime(2021, 1, 15, 10)),
        ("10/16/2019 8:45:48 PM", datetime(2019, 10, 16, 20, 45, 48)),
        ("1/15/2021 12:05:00 AM", datetime(2021, 1, 15, 0, 5)),
        ("17/07/2024 10:14", datetime(2024, 7, 17, 10, 14)),
        ("17.07.2024 10:14:09", datetime(2024, 7, 17, 10, 14, 9)),
        ("03.04.2024", datetime(2024, 4, 3)),
        ("2023-03-31 13:27", datetime(2023, 3, 31, 13, 27)),
        ("2026-02-25 04:42:08 PM", datetime(2026, 2, 25, 16, 42, 8)),
        ("2023-05-09T18:55:02Z", datetime(2023, 5, 9, 18, 55, 2)),
        ("11-Jan-2007, 01:20 PM", datetime(2007, 1, 11, 13, 20)),
        ("29-Mrz-2018, 01:09", datetime(2018, 3, 29, 1, 9)),
        ("1 août 2019", datetime(2019, 8, 1)),
        ("4/4/2023", datetime(2023, 4, 4)),
        ("1-Jul-11", datetime(2011, 7, 1)),
    ],
)
def test_what_instruments_print_is_read(text, date):
    assert read_date(text).date == date


@pytest.mark.parametrize("text", ["", "N/A", "31/31/2021", "2021-02-30", "1-Xyz-2020", "25:00"])
def test_what_is_no_date_stays_unknown(text):
    assert read_date(text).date is None
    assert not read_date(text).ambiguous


def test_an_open_date_stays_open_until_the_order_is_told():
    found = read_date("2/1/2021 9:00 AM")
    assert found.date is None
    assert found.ambiguous
    assert read_date("2/1/2021", "mdy").date == datetime(2021, 2, 1)
    assert read_date("2/1/2021", "dmy").date == datetime(2021, 1, 2)


def test_the_order_is_shown_by_dates_that_leave_no_doubt():
    assert date_order(["1/2/2021", "2/28/2021 10:00"]) == "mdy"
    assert date_order(["28/2/2021"]) == "dmy"
    assert date_order(["1/2/2021"]) == ""
    assert date_order(["28/2/2021", "2/28/2021"]) == ""
