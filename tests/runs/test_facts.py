"""What a plate's header says of its run; what it does not say is not made up."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cytokit.parsers.read import read_file
from cytokit.runs import read_lots, run_facts
from cytokit.simulate.trials import CYTOKINES, simulate_plate

MILLIPLEX = {
    "AssayLotInfo: KitName": "LotNumber, ExpirationDate, Manufacturer",
    "AssayLotInfo: Human CYK": "3456, 02/01/2022, Maker",
    "AssayLotInfo: Reagent": "LotName, LotNumber, ExpirationDate, Manufacturer",
    "AssayLotInfo: Standard1": "CYK, S-1, 02/01/2022, Maker",
    "AssayLotInfo: Standard2": "CYK, S-1, 02/01/2022, Maker",
    "AssayLotInfo: Control1": "CYK, C-113, 02/01/2021, Maker",
}


@pytest.fixture
def plate():
    return simulate_plate(CYTOKINES[:1], {}, rng=np.random.default_rng(1), name="P1")


def test_reagents_of_one_lot_are_one_entry():
    assert read_lots(MILLIPLEX) == {"Human CYK": "3456", "Standard": "S-1", "Control1": "C-113"}


def test_standards_of_two_lots_name_both():
    mixed = {**MILLIPLEX, "AssayLotInfo: Standard2": "CYK, S-2, 02/01/2022, Maker"}
    assert read_lots(mixed)["Standard"] == "S-1 + S-2"


def test_a_row_with_an_empty_cell_is_kept_whole():
    lots = read_lots({**MILLIPLEX, "AssayLotInfo: Control1": "C-113, 02/01/2021, Maker"})
    assert lots["Control1"] == "C-113, 02/01/2021, Maker"


def test_the_kind_of_product_names_the_lots_of_is23():
    header = {
        "AssayLotInfo: ManufacturerName": "ProductName, ProductNo, ProductType, LotName, Expiry",
        "AssayLotInfo: Maker": "Panel, 1, Assay Standard, 207751, 5/31/2012",
        "AssayLotInfo: Maker (2)": "Panel, 1, Assay Control, 207752, 5/31/2012",
    }
    assert read_lots(header) == {"Assay Standard": "207751", "Assay Control": "207752"}


@pytest.mark.parametrize(
    "header",
    [
        {},
        {"CALIBRATION LOT": "CAL001", "VERIFICATION LOT": "V1"},
        {"Standard Lot": "Standard1 Expiration Date: <none>"},
        {"AssayLotID": ""},
        {"CALInfo: Lot": "ExpirationDate, CalibrationTime"},
    ],
)
def test_lots_of_the_instrument_and_empty_ones_are_none(header):
    assert read_lots(header) == {}


def test_the_begin_of_the_run_counts_before_the_files_own_date(plate):
    header = {"Date": "5/17/2023, 6:42 PM", "BatchStartTime": "5/16/2023 6:00:00 PM", "SN": "M1"}
    facts = run_facts(replace(plate, header=header))
    assert facts.date == "2023-05-16T18:00:00"
    assert (facts.date_from, facts.date_order, facts.instrument) == ("BatchStartTime", "mdy", "M1")


def test_another_date_of_the_file_settles_an_open_one(plate):
    header = {"BatchStartTime": "5/6/2023 6:00:00 PM", "CALInfo: 12": "1/31/2024"}
    assert run_facts(replace(plate, header=header)).date == "2023-05-06T18:00:00"


def test_an_open_date_is_kept_as_text(plate):
    facts = run_facts(replace(plate, header={"BatchStartTime": "5/6/2023 6:00:00 PM"}))
    assert (facts.date, facts.date_text) == ("", "5/6/2023 6:00:00 PM")


def test_a_plate_without_header_has_no_facts(plate):
    facts = run_facts(plate)
    assert (facts.name, facts.date, facts.instrument, facts.lots) == ("P1", "", "", {})


@pytest.mark.real
@pytest.mark.parametrize(
    ("file", "date", "lots"),
    [
        ("xponent/magpix_rle6tn.csv", "2019-10-15T19:47:07",
         {"Rat Cytokine-Chemokine Panel": "RCYT-8605", "Standard": "RCYT-8605",
          "Control1": "RCY-109", "Control2": "RCY-209"}),
        ("intelliflex/blocks_96well_hook.csv", "2024-07-17T10:14:00", {}),
        ("intelliflex/wide_v2_2.csv", "2026-02-25T16:42:08", {}),
        ("bioplex_per_analyte/biorad_27plex.xls", "2007-01-11T13:20:00", {}),
        ("bioplex_per_statistic/decimal_comma_11plex.xlsx", "2018-03-29T01:09:00", {}),
        ("bioplex_xml/bioplex_6_2.xml", "2023-05-09T18:55:02", {}),
        ("is23/luminex100_is23.csv", "2010-10-29T10:31:56",
         {"Assay Standard": "207751", "Assay Control": "207751"}),
    ],
)  # fmt: skip
def test_real_exports_say_when_and_with_what(real, file, date, lots):
    facts = run_facts(read_file(real / "plates" / file)[0])
    assert facts.date == date
    assert facts.lots == lots
