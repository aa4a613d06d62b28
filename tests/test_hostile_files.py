"""Files made to hold, exhaust or crash the program: each gives a result or its own error, soon.

The cases of ``shared/cases/hostile`` are read where they lie; their kind is made anew here.
"""

from __future__ import annotations

import io
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from cytokit.errors import CytokitError, FormatError
from cytokit.parsers.blocks import read_header
from cytokit.parsers.read import read_file
from cytokit.parsers.registry import recognise
from cytokit.simulate.exports import WRITERS
from cytokit.simulate.trials import CYTOKINES, PlatePlan, simulate_plate
from cytokit.sources import excel as workbooks
from cytokit.sources.markup import cell_position
from cytokit.sources.raw import RawFile
from cytokit.tables.columns import split_header
from cytokit.tables.concentrations import read_concentrations
from cytokit.tables.designs import read_design
from cytokit.tables.exclusions import read_exclusions
from cytokit.tables.layouts import read_layout
from cytokit.tables.lots import read_lots
from cytokit.tables.pseudonyms import read_pseudonyms

SIZE = 100_000
SECONDS = 1.0
#: What a cell may be filled with to no end; each has held some program's pattern.
FILLINGS = (" ", "_", "1", "a", "(", "<", ":", "-", ".", "1,", "a ", " x", "\t_", "µ", "*")


@contextmanager
def soon(seconds: float = SECONDS) -> Iterator[None]:
    """What is done takes no more of the processor's time than this."""
    begun = time.process_time()
    yield
    took = time.process_time() - begun
    assert took < seconds, f"{took:.1f} s"


def outcome(read: Callable[[], object]) -> str:
    """The code of the error that a reading ends with; empty for a result."""
    try:
        read()
    except CytokitError as error:
        return error.problems[0].code
    return ""


# --- the cases, where they lie


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("redos_c.xlsx", "CK-109"),
        ("redos_row.xlsx", "CK-109"),
        ("z_leadzero.xlsx", "CK-105"),
        ("z_manysheets.xlsx", "CK-105"),
        ("z_partname.xlsx", "CK-105"),
        ("header_repeated_key_quadratic.csv", "CK-120"),
        ("wide.csv", ""),
        ("tbl_trail.csv", "CK-103"),
    ],
)
def test_no_case_holds_a_plates_reading(cases: Path, name: str, code: str) -> None:
    file = cases / "hostile" / name
    with soon(2.5):
        assert outcome(lambda: read_file(file)) == code


@pytest.mark.parametrize("name", ["tbl_trail.csv", "wide.csv", "redos_c.xlsx", "redos_row.xlsx"])
def test_no_case_holds_a_tables_reading(cases: Path, name: str) -> None:
    file = cases / "hostile" / name
    with soon():
        assert outcome(lambda: read_concentrations(file)) in ("", "CK-109", "CK-251", "CK-244")


# --- cells of a hundred kilobytes in every kind of file


def _read(raw: RawFile) -> object:
    return recognise(raw).read(raw)


def _plates() -> dict[str, str]:
    rng = np.random.default_rng(7)
    truth = {f"P{k}": np.full(len(CYTOKINES), 50.0 * k) for k in range(1, 4)}
    plate = simulate_plate(CYTOKINES, truth, rng=rng, plan=PlatePlan(), name="hostile")
    return {
        f"{name}.{writer.suffix}": writer.write(plate).decode()
        for name, writer in WRITERS.items()
        if writer.suffix in ("csv", "txt", "xml")
    }


TABLES: dict[str, tuple[Callable[[Path], object], str]] = {
    "concentrations": (
        read_concentrations,
        "sample,subject,group,day,IL-6\nA,S1,g,0,3\nB,S2,h,6,4\n",
    ),
    "design": (read_design, "sample,subject,group,day\nA,S1,g,0\nB,S2,h,6\n"),
    "layout": (read_layout, "well,sample,type,dilution\nA1,S1,standard,1\nA2,P1,unknown,1:2\n"),
    "lots": (
        lambda file: read_lots(RawFile.open(file)),
        "Lot,Analyte,Unit,St1,St2,ConA.lo,ConA.hi\n1,IL-6,pg/mL,3,4,1,2\n",
    ),
    "exclusions": (read_exclusions, "plate,well,analyte,reason,who\nP,A1,IL-6,bubble,kb\n"),
    "pseudonyms": (read_pseudonyms, "sample,pseudonym\nAnn,P1\nBob,P2\n"),
}


@pytest.mark.parametrize("filling", FILLINGS)
@pytest.mark.parametrize("kind", TABLES)
def test_a_long_cell_holds_no_table(tmp_path: Path, kind: str, filling: str) -> None:
    read, text = TABLES[kind]
    rows = [line.split(",") for line in text.splitlines()]
    long = "A" + filling * (SIZE // len(filling)) + "Z"
    file = tmp_path / "t.csv"
    for row in range(2):
        for column in (0, len(rows[0]) - 1):
            changed = [list(one) for one in rows]
            changed[row][column] += long.replace(",", ".")
            file.write_text("\n".join(",".join(one) for one in changed), encoding="utf-8")
            with soon():
                outcome(partial(read, file))


@pytest.mark.parametrize("filling", FILLINGS)
def test_a_long_cell_holds_no_plate(filling: str) -> None:
    long = "A" + filling.replace(",", ".") * (SIZE // len(filling)) + "Z"
    for name, text in _plates().items():
        lines = text.splitlines()
        for at in (1, len(lines) // 3, len(lines) // 2, 2 * len(lines) // 3):
            for mark in (",", "\t", '"'):
                before, found, after = lines[at].partition(mark)
                if found:
                    break
            changed = [*lines[:at], f"{before}{found}{long}{after}", *lines[at + 1 :]]
            raw = RawFile(name, "\n".join(changed).encode())
            with soon():
                outcome(partial(_read, raw))


def test_a_key_that_stands_twenty_thousand_times_is_numbered_at_once() -> None:
    with soon():
        header = read_header([["a", "1"]] * 20_000 + [["a (3)", "x"]])
    assert len(header) == 20_001
    assert list(header)[:3] == ["a", "a (2)", "a (3)"]
    assert header["a (3) (2)"] == "x"


@pytest.mark.parametrize(
    ("header", "parts"),
    [
        ("IL-6 (pg/mL)", ("IL-6", "pg/mL")),
        ("IL-6 [ ng / ml ]", ("IL-6", "ng/mL")),
        ("IL-6_pg_mL", ("IL-6", "pg/mL")),
        ("IL-6, µg per L", ("IL-6", "µg/L")),
        ("IL (17) (pg/mL)", ("IL (17)", "pg/mL")),
        ("IL-6 (serum)", ("IL-6 (serum)", "")),
        ("(pg/mL)", ("(pg/mL)", "")),
        ("pg/mL", ("pg/mL", "")),
    ],
)
def test_units_come_off_headers(header: str, parts: tuple[str, str]) -> None:
    found = split_header(header)
    assert (found.name, found.unit) == parts
    assert found.scales == ()


# --- workbooks

_TYPES = (
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" '
    'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml"'
    ' ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
    "</Types>"
)
_RELATIONS = '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def book(sheet: str, *, part: str = "worksheets/sheet1.xml", sheets: int = 1, **more: str) -> bytes:
    """A workbook around the XML of a sheet; several sheets may show the same part."""
    names = "".join(f'<sheet name="S{k}" sheetId="{k + 1}" r:id="rId1"/>' for k in range(sheets))
    parts = {
        "[Content_Types].xml": _TYPES,
        "_rels/.rels": f'{_RELATIONS}<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" '
        'Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{names}'
        "</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'{_RELATIONS}<Relationship Id="rId1" '
        f'Type="{_OFFICE}/worksheet" Target="{part}"/></Relationships>',
        f"xl/{part}": sheet,
        **more,
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return out.getvalue()


def sheet_of(*cells: str, dimension: str = "A1") -> str:
    rows = "".join(f"<row>{cell}</row>" for cell in cells)
    return (
        f'<worksheet xmlns="{_MAIN}"><dimension ref="{dimension}"/>'
        f"<sheetData>{rows}</sheetData></worksheet>"
    )


def refused(data: bytes) -> str:
    with pytest.raises(FormatError) as caught, soon(2.0):
        RawFile("p.xlsx", data).sheets  # noqa: B018
    return str(caught.value)


@pytest.mark.parametrize("tag", ["<c ", "<row ", '<c r="A1" ', "<x:c\t", "<c r='"])
def test_tags_begun_over_and_over_are_no_xml(tag: str) -> None:
    data = book(f"<worksheet><sheetData>{tag * 90_000}</sheetData></worksheet>")
    assert "CK-109: the XML is not well formed" in refused(data)


@pytest.mark.parametrize("part", ["worksheets/sheet1.xml", "w/data.xml", "picture.png"])
@pytest.mark.parametrize("reference", ["ALM100000", "ALM000000100000", "alm0100000"])
def test_a_far_cell_is_found_in_a_part_of_any_name(part: str, reference: str) -> None:
    data = book(sheet_of(f'<c r="{reference}"><v>1</v></c>'), part=part)
    assert f"CK-105: a cell of 'xl/{part}' lies at row 100000, column 1001" in refused(data)


def test_cells_without_references_are_counted_as_they_come() -> None:
    many = "<c><v>1</v></c>" * 1_100
    data = book(sheet_of(many, *["<c><v>1</v></c>"] * 1_000))
    assert "lies at row 1001, column 1100" in refused(data)


def test_what_a_sheet_says_of_its_size_neither_refuses_nor_saves_it() -> None:
    small = sheet_of('<c r="B2"><v>7</v></c>', dimension="A1:XFD1048576")
    (read,) = RawFile("p.xlsx", book(small)).sheets
    assert read.rows[1][1] == "7"
    formatted = sheet_of('<c r="A1"><v>7</v></c><c r="XFD1048576" s="1"/>')
    (read,) = RawFile("p.xlsx", book(formatted)).sheets
    assert read.rows == [["7"]]


@pytest.mark.parametrize(
    "reference", ["ABCD1", "1A", "A", "A1B", "Ä1", "A" * 5_000, "A" + "9" * 50]
)
def test_a_reference_that_is_none_is_damage(reference: str) -> None:
    data = book(sheet_of(f'<c r="{reference}"><v>1</v></c>'))
    assert "CK-109" in refused(data)


def test_positions_of_cells() -> None:
    assert cell_position("XFD1048576") == (1_048_576, 16_384)
    with pytest.raises(ValueError, match=r"'\?\?1' is no cell's reference"):
        cell_position("??1")


def test_many_sheets_of_one_part_are_counted_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbooks, "MAX_BOOK_CELLS", 25_000)
    data = book(sheet_of('<c r="CV100"><v>1</v></c>'), sheets=5)
    assert "CK-105: the sheets span more than 25000 cells together" in refused(data)


def test_parts_are_counted_and_so_are_the_letters_of_shared_texts() -> None:
    many = {f"xl/p{k}.xml": "x" for k in range(workbooks.MAX_PARTS)}
    message = refused(book(sheet_of('<c r="A1"><v>1</v></c>'), **many))
    assert f"CK-105: the workbook has {workbooks.MAX_PARTS + 5} parts" in message
    shared = f"<sst><si><t>{'x' * 2_000_000}</t></si></sst>"
    cells = [f'<c r="A{k}" t="s"><v>0</v></c>' for k in range(1, 90)]
    message = refused(book(sheet_of(*cells), **{"xl/sharedStrings.xml": shared}))
    assert "CK-105: the texts of 'xl/worksheets/sheet1.xml' are longer than" in message


@pytest.mark.parametrize("part", ["xl/workbook.bin", "content.xml"])
def test_another_kind_of_workbook_inside_is_refused(part: str) -> None:
    message = refused(book(sheet_of('<c r="A1"><v>1</v></c>'), **{part: "x"}))
    assert "CK-108: the workbook is a binary (.xlsb) or an OpenDocument one" in message
    assert "save it as an Excel workbook" in message


def test_declarations_in_a_sheet_are_refused() -> None:
    text = '<!DOCTYPE a [<!ENTITY b "c">]>' + sheet_of('<c r="A1"><v>1</v></c>')
    assert "CK-113" in refused(book(text))
