"""Tables as CSV that nothing changes on its way: byte-identical, exact, and safe to open in Excel.

Text cells that a spreadsheet would calculate are guarded: see :mod:`cytokit.cell_text`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from cytokit.cell_text import guard, unguard
from cytokit.errors import InputError, OutputError, Problem, did_you_mean, place
from cytokit.report._csv import Line, read_lines, typed_column
from cytokit.report.words import COLUMN_KINDS, Kind

_NEEDS_QUOTES = re.compile(r'[,"\r\n]|^\s|\s$')
_BOM = "\ufeff"


def number_text(value: float) -> str:
    """The shortest text that reads back as the same number; empty for NaN.

    Parameters
    ----------
    value : float

    Returns
    -------
    str

    Examples
    --------
    >>> number_text(0.1), number_text(57.0), number_text(float("nan")), number_text(float("inf"))
    ('0.1', '57', '', 'inf')
    """
    if value != value:
        return ""
    return repr(value).removesuffix(".0")


def table_text(frame: pd.DataFrame) -> str:
    """A frame as CSV text: LF line ends, no index, empty for what is missing.

    Parameters
    ----------
    frame : pandas.DataFrame

    Returns
    -------
    str

    Examples
    --------
    >>> print(table_text(pd.DataFrame({"sample": ["=A", "B"], "mfi": [1.5, None]})), end="")
    sample,mfi
    '=A,1.5
    B,
    """
    names = [guard(str(name)) for name in frame.columns]
    header = [_quote_single(name) if len(names) == 1 else _quote(name) for name in names]
    return "\n".join([",".join(header), *_rows(frame)]) + "\n"


def rows_bytes(frame: pd.DataFrame) -> bytes:
    r"""The rows of a frame as :func:`table_bytes` writes them, without the header.

    Parameters
    ----------
    frame : pandas.DataFrame

    Returns
    -------
    bytes
        UTF-8; nothing for no rows.

    Raises
    ------
    OutputError
        CK-541, as :func:`table_bytes`.

    Examples
    --------
    >>> rows_bytes(pd.DataFrame({"sample": ["=A"], "mfi": [1.5]}))
    b"'=A,1.5\n"
    """
    return _encoded("".join(f"{line}\n" for line in _rows(frame)))


def table_bytes(frame: pd.DataFrame, *, excel: bool = False) -> bytes:
    """A frame as the bytes of its CSV file.

    Parameters
    ----------
    frame : pandas.DataFrame
    excel : bool
        Begin with a byte order mark, without which Excel misreads Greek letters.

    Returns
    -------
    bytes
        UTF-8.

    Raises
    ------
    OutputError
        CK-541 if a text holds half a character (a lone surrogate).
    """
    return _encoded((_BOM if excel else "") + table_text(frame))


def _encoded(text: str) -> bytes:
    """Text as UTF-8, or the error that names the line."""
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        line = text.count("\n", 0, error.start) + 1
        problem = Problem(
            "CK-541",
            "a text holds half a character and cannot be written as UTF-8",
            place(line=line),
            "rename the file, or mend the name in the export or layout",
        )
        raise OutputError(problem) from error


def write_table(frame: pd.DataFrame, path: str | Path, *, excel: bool = False) -> None:
    r"""Write a frame as CSV.

    Parameters
    ----------
    frame : pandas.DataFrame
        Its index is not written.
    path : str or Path
    excel : bool
        Begin with a byte order mark, for Excel.

    Raises
    ------
    OutputError
        CK-540 if the file cannot be written, CK-541 if a text is no Unicode.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = Path(folder.name, "table.csv")
    >>> write_table(pd.DataFrame({"sample": ["-1+2"], "used": [True]}), path)
    >>> path.read_text()
    "sample,used\n'-1+2,true\n"
    >>> read_table(path).to_dict("list")
    {'sample': ['-1+2'], 'used': [True]}
    >>> folder.cleanup()
    """
    content = table_bytes(frame, excel=excel)
    try:
        Path(path).write_bytes(content)
    except OSError as error:
        what = f"the table cannot be written: {error.strerror or error}"
        mend = "check that the folder exists and that the file is not open elsewhere"
        raise OutputError(Problem("CK-540", what, place(path), mend)) from error


def read_table(path: str | Path, *, kinds: Mapping[str, Kind] | None = None) -> pd.DataFrame:
    """Read a CSV that :func:`write_table` wrote, or that a spreadsheet saved from it.

    Columns of the data dictionary (:mod:`cytokit.report.words`) have the kind it says. Any other
    column becomes numbers or booleans only if every cell is spelled just as it would be written,
    so that nothing is lost: ``007`` stays text. Missing text and empty text are one.

    Parameters
    ----------
    path : str or Path
    kinds : mapping of str to {"text", "number", "integer", "boolean", "any"}, optional
        Kinds of columns that the dictionary does not know, or knows otherwise.

    Returns
    -------
    pandas.DataFrame

    Raises
    ------
    InputError
        CK-542 no such file, CK-543 not UTF-8, CK-544 no header or a name twice, CK-545 rows of
        unequal length, CK-546 a cell that is not what its column holds.
    """
    first, *rows = read_lines(path)
    header = _header(path, first)
    if kinds:
        _check_names(path, kinds, header)
    asked = {**COLUMN_KINDS, **(kinds or {})}
    columns, problems = {}, []
    for position, name in enumerate(header):
        cells = [row.cells[position] for row in rows]
        columns[name], wrong = typed_column(cells, asked.get(name, "any"), unguard)
        problems += [
            Problem(
                "CK-546",
                f"{cells[index]!r} is no {asked[name]}",
                place(path, line=rows[index].number, column=name),
                "write the value as cytokit writes it, or leave the cell empty",
            )
            for index in wrong
        ]
    if problems:
        raise InputError(*problems)
    return pd.DataFrame(columns, columns=header)


def _header(path: str | Path, first: Line) -> list[str]:
    """The column names, each once."""
    names = [unguard(cell) for cell in first.cells]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        what = f"column {twice[0]!r} stands twice"
        raise InputError(Problem("CK-544", what, place(path, line=1), "name each column once"))
    return names


def _check_names(path: str | Path, kinds: Mapping[str, Kind], header: list[str]) -> None:
    """Refuse a kind for a column that is not there."""
    problems = [
        Problem(
            "CK-547",
            f"the table has no column {name!r}",
            place(path, line=1),
            f"its columns are {', '.join(header)}",
            did_you_mean(name, header),
        )
        for name in kinds
        if name not in header
    ]
    if problems:
        raise InputError(*problems)


def _rows(frame: pd.DataFrame) -> list[str]:
    """The lines of a frame, without their ends."""
    columns = [_cells(frame.iloc[:, position]) for position in range(frame.shape[1])]
    if len(columns) == 1:  # a lone empty cell is quoted: an empty line would be no row
        return [cell or '""' for cell in columns[0]]
    return list(map(",".join, zip(*columns, strict=True)))


def _cells(column: pd.Series) -> list[str]:
    """One column as cell texts, quoted where CSV needs it."""
    values = column.tolist()
    if pd.api.types.is_bool_dtype(column.dtype):
        return ["true" if value else "false" for value in values]
    if pd.api.types.is_float_dtype(column.dtype):
        return _numbers(values)
    if isinstance(column.dtype, pd.StringDtype):
        texts = _Texts()
        return [texts[value] for value in values]
    return [_quote(_cell(value)) for value in values]


def _numbers(values: list[float]) -> list[str]:
    """Floats as :func:`number_text` writes them, a whole column at once."""
    texts = [text[:-2] if text.endswith(".0") else text for text in map(repr, values)]
    if "nan" in texts:
        return ["" if text == "nan" else text for text in texts]
    return texts


class _Texts(dict[object, str]):
    """Cell texts of a column, each made once: names repeat from row to row."""

    def __missing__(self, value: object) -> str:
        made = self[value] = _quote(_cell(value))
        return made


def _cell(value: object) -> str:
    """One cell of a column of mixed or text type."""
    if value is None or value is pd.NA or value is pd.NaT:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return number_text(value)
    return guard(str(value))


def _quote(cell: str) -> str:
    if _NEEDS_QUOTES.search(cell):
        return '"' + cell.replace('"', '""') + '"'
    return cell


def _quote_single(cell: str) -> str:
    """A lone empty cell is quoted: an empty line would be no row."""
    return _quote(cell) or '""'
