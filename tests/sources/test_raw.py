"""Bytes to text, rows, sheets and XML; and files made to do harm."""

from __future__ import annotations

import csv
import hashlib
import io
import struct
import zipfile
from pathlib import Path

import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from cytokit.errors import CytokitError, FormatError, InputError, UsageError
from cytokit.sources import delimited as rows_module
from cytokit.sources import excel as workbooks
from cytokit.sources.delimited import Rows, first_rows, guess_delimiter, split_lines
from cytokit.sources.raw import RawFile


def split_rows(text: str, delimiter: str, file: str) -> Rows:
    return rows_module.split_rows(split_lines(text), delimiter, file)


common = settings(deadline=None, derandomize=True, max_examples=200)


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        ("a;µ".encode("utf-8-sig"), "utf-8-sig"),
        ("a;µ".encode(), "utf-8"),
        ("a;µg/ü".encode("cp1252"), "cp1252"),
        ("Location,Sample".encode("utf-16"), "utf-16"),
        ("Location,Sample".encode("utf-16-le"), "utf-16-le"),
        ("Location,Sample".encode("utf-16-be"), "utf-16-be"),
    ],
)
def test_the_encoding_is_found_and_recorded(data: bytes, encoding: str) -> None:
    raw = RawFile("plate.csv", data)
    assert raw.encoding == encoding
    assert raw.kind == "text"
    assert raw.text == data.decode(encoding).lstrip("\ufeff")


def test_the_users_encoding_overrules_and_bytes_without_meaning_are_named() -> None:
    japanese = "試料,値\nA1,\x81".encode("shift_jis", errors="ignore") + b"\x81\x40\n"
    assert RawFile("p.csv", japanese, "shift_jis").text.startswith("試料")
    with pytest.raises(FormatError, match="CK-106: the text cannot be decoded as cp1252") as caught:
        RawFile("p.csv", b"ok\nno\x81\n").text  # noqa: B018
    assert "p.csv, line 2" in str(caught.value)
    with pytest.raises(UsageError, match="CK-114: no encoding is called 'klingon'"):
        RawFile("p.csv", b"x", "klingon").text  # noqa: B018


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [
        ("a,b,c\n1,2,3\n", ","),
        ("a;b;c\n1,5;2,5;3,5\n1,25;2;3\n", ";"),
        ('"1(1,A1)";"x";"12,5"\n"1(1,B1)";"y";"13,5"\n', ";"),
        ("a\tb\tc\n1, 2\t3\t4\n", "\t"),
        ("sep=;\na;b\n", ";"),
        ("just a line\nand another\n", ""),
    ],
)
def test_the_delimiter_comes_from_the_files_own_structure(text: str, delimiter: str) -> None:
    assert guess_delimiter(text) == delimiter


CELLS = st.lists(
    st.lists(st.text(alphabet='ab1,;"\t é', max_size=5), min_size=1, max_size=4), max_size=6
)


@common
@given(
    CELLS, st.sampled_from([",", ";", "\t"]), st.sampled_from(["\n", "\r\n", "\r"]), st.booleans()
)
def test_rows_are_those_of_the_csv_module(
    rows: list[list[str]], delimiter: str, newline: str, all_quoted: bool
) -> None:
    out = io.StringIO()
    quoting = csv.QUOTE_ALL if all_quoted else csv.QUOTE_MINIMAL
    csv.writer(out, delimiter=delimiter, lineterminator=newline, quoting=quoting).writerows(rows)
    split = split_rows(out.getvalue(), delimiter, "x.csv")
    expected = [[cell.strip() for cell in row] for row in rows]
    assert [row for row in split.cells if row] == [row for row in expected if row]


@common
@given(st.text(alphabet='ab,;"\n\r\t ', max_size=60))
def test_any_text_is_split_as_the_csv_module_splits_it(text: str) -> None:
    normal = text.replace("\r\n", "\n").replace("\r", "\n")
    try:
        got = split_rows(text, ",", "x.csv").cells
    except FormatError:
        assert '"' in text
        return
    want = [
        [c.strip() for c in row] for row in csv.reader(line + "\n" for line in normal.split("\n"))
    ]
    assert [row for row in got if any(row)] == [row for row in want if any(row)]


@common
@given(st.text(alphabet='ab,"\n ', max_size=40), st.integers(1, 4))
def test_the_first_rows_are_those_of_the_whole(text: str, count: int) -> None:
    try:
        whole = split_rows(text, ",", "x.csv").cells
    except FormatError:
        assert len(first_rows(split_lines(text), ",", "x.csv", count)) <= count, "never an error"
        return
    assert list(first_rows(split_lines(text), ",", "x.csv", count)) == list(whole)[:count]


def test_a_cell_may_run_over_lines_and_rows_still_know_theirs() -> None:
    split = split_rows('a,"two\nlines"\nb,c\n', ",", "x.csv")
    assert list(split.cells)[:2] == [["a", "two\nlines"], ["b", "c"]]
    assert list(split.lines)[:2] == [1, 3]


def test_an_open_quotation_mark_is_named_with_its_line() -> None:
    with pytest.raises(
        FormatError, match="CK-107: a quotation mark is opened here and not closed"
    ) as e:
        split_rows('a,b\nc,"d\n' + "x,y\n" * 100, ",", "x.csv")
    assert "x.csv, line 2" in str(e.value)
    with pytest.raises(FormatError, match="CK-107"):
        split_rows('a,b\nc,"d', ",", "x.csv")
    with pytest.raises(
        FormatError, match="CK-107: the text cannot be split into cells: field larger"
    ):
        split_rows('"' + "x" * 200_000 + '" ,b', ",", "x.csv")


def test_more_cells_than_any_export_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows_module, "MAX_CELLS", 10)
    with pytest.raises(FormatError, match="CK-105: more than 10 cells"):
        split_rows("a,b,c\n" * 9, ",", "x.csv")


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", "empty"),
        (b" \r\n\x00\x00", "empty"),
        (b"\xef\xbb\xbf\n", "empty"),
        (b"%PDF-1.7\n%\xe2\xe3", "a PDF"),
        (b"\x89PNG\r\n\x1a\n\x00", "a PNG picture"),
        (b"\x1f\x8b\x08\x00\x00", "a gzip archive"),
        (b"Program,xPONENT\x00\x01\x02", "a binary file of an unknown kind"),
        (b"<html><body>", "a web page (HTML)"),
        (b"<!DOCTYPE html><html>", "a web page (HTML)"),
        (b'{"command": "simulate"}', "a JSON file"),
        (b'\xef\xbb\xbf[\n  {"a": 1}]', "a JSON file"),
        (b"# Title\r\n\r\nWords; more, words\r\n", "a page of text (Markdown)"),
        (b"a,b\n```\nc\n```\n", "a page of text (Markdown)"),
        (b"# plate 3\nwell,sample\nA1,x\n", "text"),
        (b"# plate 3,old\n\nwell,sample\nA1,---\n", "text"),
        (b"Type|Well|FI\nX1|A1|---\n", "text"),
        (b"<?xml version='1.0'?><a/>", "xml"),
        ("<?xml version='1.0'?><a/>".encode("utf-16"), "xml"),
        (b"BMP4 is an analyte,1\n", "text"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1rest", "workbook"),
    ],
)
def test_the_kind_is_decided_by_the_first_bytes(data: bytes, kind: str) -> None:
    raw = RawFile("plate.csv", data)
    assert raw.kind == kind
    if kind == "empty":
        with pytest.raises(FormatError, match="CK-101: the file is empty"):
            raw.require_readable()
    elif kind.startswith("a "):
        with pytest.raises(FormatError, match=r"CK-102: this is a .*, not a plate export"):
            raw.require_readable()


def _zip(parts: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return out.getvalue()


def test_zip_archives_are_told_apart() -> None:
    assert RawFile("a", _zip({"xl/workbook.xml": b"x"})).kind == "workbook"
    assert RawFile("a", _zip({"word/document.xml": b"x"})).kind == "a Word document"
    assert (
        RawFile("a", _zip({"mimetype": b"x", "content.xml": b"x"})).kind == "an OpenDocument file"
    )
    assert RawFile("a", _zip({"plate.csv": b"x"})).kind == "a zip archive"


def _book(write: object) -> bytes:
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out)
    write(book)  # type: ignore[operator]
    book.close()
    return out.getvalue()


def _small(book: xlsxwriter.Workbook) -> None:
    sheet = book.add_worksheet("FI")
    sheet.write_row(0, 0, ["Well", "IL-6", "ok"])
    sheet.write_row(1, 0, ["A1", 12.5, True])
    sheet.write_number(2, 1, 14)


def test_sheets_give_cells_and_texts() -> None:
    raw = RawFile("p.xlsx", _book(_small))
    (sheet,) = raw.sheets
    assert sheet.name == "FI"
    assert sheet.cells[1] == ["A1", 12.5, True]
    assert sheet.rows == [["Well", "IL-6", "ok"], ["A1", "12.5", "TRUE"], ["", "14", ""]]
    assert raw.encoding == ""


def test_a_false_xls_is_the_text_that_it_is() -> None:
    raw = RawFile("plate.xls", b"Analyte\tType\nIL-6\tB\n")
    assert raw.kind == "text"
    assert raw.rows[1] == ["IL-6", "B"]


@pytest.mark.parametrize("cut", [3, 40, 0.3, 0.9])
def test_damaged_workbooks_are_errors(cut: float) -> None:
    data = _book(_small)
    keep = int(cut * len(data)) if isinstance(cut, float) else cut
    with pytest.raises(FormatError, match="CK-108"):
        RawFile("p.xlsx", data[:keep]).sheets  # noqa: B018
    with pytest.raises(FormatError, match="CK-108"):
        RawFile("p.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600).sheets  # noqa: B018


def test_a_zip_bomb_is_refused_before_it_unpacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbooks, "MAX_UNPACKED", 2**22)
    bomb = _zip(
        {"xl/workbook.xml": b"x", "xl/sharedStrings.xml": b" " * (workbooks.MAX_UNPACKED + 9)}
    )
    assert len(bomb) < 2**15
    with pytest.raises(FormatError, match="CK-105: the workbook unpacks to more than"):
        RawFile("p.xlsx", bomb).sheets  # noqa: B018


def test_a_zip_that_lies_about_its_sizes_is_counted_by_unpacking(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(workbooks, "MAX_UNPACKED", 2**22)
    bomb = bytearray(_zip({"xl/workbook.xml": b" " * (workbooks.MAX_UNPACKED + 9)}))
    tiny = struct.pack("<I", 10)
    bomb[22:26] = tiny  # size in the local header
    central = bomb.rfind(b"PK\x01\x02")
    bomb[central + 24 : central + 28] = tiny
    with pytest.raises(FormatError, match="CK-105"):
        RawFile("p.xlsx", bytes(bomb)).sheets  # noqa: B018


def test_one_cell_at_the_end_of_the_world_is_refused() -> None:
    def far(book: xlsxwriter.Workbook) -> None:
        sheet = book.add_worksheet()
        sheet.write(0, 0, "A1")
        sheet.write(1_048_575, 16_383, "XFD1048576")

    with pytest.raises(
        FormatError, match=r"CK-105: a cell of 'xl/worksheets/sheet1.xml' lies at row"
    ):
        RawFile("p.xlsx", _book(far)).sheets  # noqa: B018

    def wide(book: xlsxwriter.Workbook) -> None:
        sheet = book.add_worksheet("wide")
        sheet.write(0, 0, "a")
        sheet.write(1_500, 1_500, "b")

    with pytest.raises(FormatError, match=r"CK-105: a cell of .* lies at row 1501, column 1501"):
        RawFile("p.xlsx", _book(wide)).sheets  # noqa: B018


def test_too_many_sheets_and_odd_packing_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbooks, "MAX_SHEETS", 0)
    with pytest.raises(FormatError, match="CK-105: the workbook has 1 sheets"):
        RawFile("p.xlsx", _book(_small)).sheets  # noqa: B018
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("xl/workbook.xml", b"x" * 100)
    with pytest.raises(FormatError, match=r"CK-108: the workbook's part .* unusual way"):
        RawFile("p.xlsx", out.getvalue()).sheets  # noqa: B018


def test_a_damaged_stream_in_a_workbook_is_an_error() -> None:
    data = bytearray(_zip({"xl/workbook.xml": bytes(range(256)) * 40}))
    data[60:90] = b"\xff" * 30
    with pytest.raises(FormatError, match="CK-108"):
        RawFile("p.xlsx", bytes(data)).sheets  # noqa: B018


LAUGHS = (
    b"<?xml version='1.0'?><!DOCTYPE lolz [<!ENTITY lol 'lol'><!ENTITY l2 '&lol;&lol;&lol;'>]>"
    b"<lolz>&l2;</lolz>"
)


@pytest.mark.parametrize("encode", ["utf-8", "utf-16"])
def test_entities_and_document_types_are_refused(encode: str) -> None:
    raw = RawFile("p.xml", LAUGHS.decode().encode(encode))
    assert raw.kind == "xml"
    with pytest.raises(FormatError, match="CK-113: the XML declares a document type"):
        raw.xml  # noqa: B018
    outside = b"<?xml version='1.0'?><!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>"
    with pytest.raises(FormatError, match="CK-113"):
        RawFile("p.xml", outside).xml  # noqa: B018


def test_bottomless_and_broken_xml_are_refused() -> None:
    with pytest.raises(FormatError, match="CK-105: the XML is nested or long"):
        RawFile("p.xml", b"<a>" * 500).xml  # noqa: B018
    with pytest.raises(
        FormatError, match="CK-109: the XML is not well formed: no element found"
    ) as e:
        RawFile("p.xml", b"<a>\n<b></b>").xml  # noqa: B018
    assert "line 2" in str(e.value)
    assert RawFile("p.xml", b"<a><b/></a>").xml[0].tag == "b"


def test_files_that_cannot_be_opened_say_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "plate_1.csv").write_text("x")
    with pytest.raises(InputError, match="CK-100: no such file") as caught:
        RawFile.open(tmp_path / "plate_2.csv")
    assert "did you mean 'plate_1.csv'?" in str(caught.value)
    with pytest.raises(InputError, match="CK-115: a folder, not a plate"):
        RawFile.open(tmp_path)
    with pytest.raises(InputError, match="CK-117: the file cannot be opened"):
        RawFile.open(tmp_path / "plate_1.csv" / "inside")
    with pytest.raises(InputError, match="CK-117"):
        RawFile.open("nul\0byte")
    monkeypatch.setattr("cytokit.sources.raw.MAX_BYTES", 0)
    with pytest.raises(InputError, match="CK-105: the file has 1 bytes"):
        RawFile.open(tmp_path / "plate_1.csv")


def test_hash_and_names_are_those_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "my plate.v2.csv"
    file.write_bytes(b"a,b\n")
    raw = RawFile.open(file)
    assert raw.sha256 == hashlib.sha256(b"a,b\n").hexdigest()
    assert (raw.name, raw.stem) == ("my plate.v2.csv", "my plate.v2")


@common
@given(st.binary(max_size=400))
def test_any_bytes_give_a_reading_or_a_named_error(data: bytes) -> None:
    raw = RawFile("plate.bin", data)
    found: object = None
    try:
        raw.require_readable()
        found = {
            "text": lambda: list(raw.rows),
            "xml": lambda: raw.xml,
            "workbook": lambda: raw.sheets,
        }[raw.kind]()
    except CytokitError as error:
        found = error
    assert found is not None
    if isinstance(found, CytokitError):
        assert found.problems[0].code.startswith("CK-1")
        assert "plate.bin" in str(found)
