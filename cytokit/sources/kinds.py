"""What a file is, by its first bytes: text, workbook, XML, or the name of something else."""

from __future__ import annotations

import codecs
import io
import re
import zipfile

from cytokit.sources.text import guess_encoding

#: First bytes of files that are not plate exports, with a name for the message.
_FOREIGN = (
    (b"%PDF", "a PDF"),
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"II*\x00", "a TIFF picture"),
    (b"MM\x00*", "a TIFF picture"),
    (b"BM", "a BMP picture"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"\x89HDF", "an HDF5 file"),
    (b"SQLite format 3", "a database"),
    (b"FCS2", "a flow cytometry file (FCS; .lxb holds the beads of one well)"),
    (b"FCS3", "a flow cytometry file (FCS; .lxb holds the beads of one well)"),
    (b"{\\rtf", "a rich-text document"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
)
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_HTML = re.compile(r"\s*(<!doctype html|<html|<table|<head|<body)", re.IGNORECASE)
_XML = re.compile(r"\s*<(\?xml|!--|[A-Za-z])")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f]")
_JSON = re.compile(r"\s*(?:\{\s*[\"}]|\[\s*[\"{\[\]])")
_HEADING = re.compile(r"#{1,6} \S[^\t;,|]*")
#: What only Markdown has: a fence around code, the rule under a table's head, rows in bars.
_MARKDOWN = re.compile(
    r"^(?:```|~~~|\|?[ \t]*:?-{3,}:?[ \t]*(?:\|[ \t]*:?-{3,}:?[ \t]*)+\|?[ \t]*$"
    r"|\|.*\|[ \t]*\n\|.*\|[ \t]*$)",
    re.MULTILINE,
)
_HEAD_BYTES = 8192


def kind_of(data: bytes, asked_encoding: str | None = None) -> str:
    r"""``text``, ``workbook``, ``xml``, ``empty``, or the plain name of something else.

    Parameters
    ----------
    data : bytes
        The whole file.
    asked_encoding : str, optional
        The user's word on the encoding of text.

    Examples
    --------
    >>> kind_of(b"Program,xPONENT\n"), kind_of(b"# Title\n\nWords.\n")
    ('text', 'a page of text (Markdown)')
    """
    if not data.strip(b" \t\r\n\x00\xef\xbb\xbf\xff\xfe"):
        return "empty"
    if data.startswith(_OLE):
        return "workbook"
    if data.startswith(b"PK"):
        return _kind_of_zip(data)
    for first, name in _FOREIGN:
        if data.startswith(first) and not _looks_like_text(data):
            return name
    return _kind_of_text(data, asked_encoding or guess_encoding(data))


def _kind_of_text(data: bytes, encoding: str) -> str:
    """Text, XML, HTML, JSON, Markdown or unknown binary, by the first characters."""
    head = data[:_HEAD_BYTES]
    if encoding in ("utf-8", "cp1252") and _CONTROL.search(head.decode("latin-1")):
        return "a binary file of an unknown kind"
    start = head.decode(encoding, errors="replace").lstrip("\ufeff") if _known(encoding) else ""
    if _HTML.match(start):
        return "a web page (HTML)"
    if _JSON.match(start):
        return "a JSON file"
    if _is_markdown(start.replace("\r\n", "\n")):
        return "a page of text (Markdown)"
    return "xml" if _XML.match(start) else "text"


def _is_markdown(text: str) -> bool:
    """Whether documentation stands here, however much of an export it may quote."""
    first, _, rest = text.lstrip().partition("\n")
    headed = _HEADING.fullmatch(first.strip()) is not None and rest.startswith("\n")
    return headed or _MARKDOWN.search(text) is not None


def _known(encoding: str) -> bool:
    """Whether Python knows the encoding; the error comes when the text is asked for."""
    try:
        codecs.lookup(encoding)
    except LookupError:
        return False
    return True


def _looks_like_text(data: bytes) -> bool:
    """Whether a short magic (BM, MZ) is only how a text begins."""
    return data[:2] in (b"BM", b"MZ") and not _CONTROL.search(data[:512].decode("latin-1"))


def _kind_of_zip(data: bytes) -> str:
    """A workbook, or the name of another thing that comes in a zip."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, ValueError, OverflowError, NotImplementedError):
        return "workbook"  # cut off: reading its sheets says so
    if any(name.lower().startswith(("xl/", "/xl/", "xl\\")) for name in names):
        return "workbook"
    if "mimetype" in names or "content.xml" in names:
        return "an OpenDocument file"
    return "a Word document" if any(name.startswith("word/") for name in names) else "a zip archive"
