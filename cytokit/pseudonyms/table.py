"""The table of names and pseudonyms, checked when it is read."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from cytokit.cell_text import unguard
from cytokit.errors import PrivacyError, Problem, did_you_mean, place
from cytokit.sources import RawFile

#: the role of the file in a plate's companions and in the manifest
ROLE = "pseudonyms"
COLUMNS = ("sample", "pseudonym")


@dataclass(frozen=True)
class Pseudonyms:
    """A checked table of names and pseudonyms.

    Parameters
    ----------
    names : mapping of str to str
        Real name of a sample or subject to its pseudonym.
    path, sha256 : str
        Of the file; the manifest records both.
    """

    names: Mapping[str, str]
    path: str
    sha256: str
    _by_key: Mapping[str, str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_key = {_key(name): pseudonym for name, pseudonym in self.names.items()}
        object.__setattr__(self, "_by_key", by_key)

    def of(self, name: str) -> str | None:
        """The pseudonym of a name, None where the file does not list it.

        Examples
        --------
        >>> table = Pseudonyms({"Ann": "P1"}, "names.csv", "")
        >>> table.of(" Ann "), table.of("Bob")
        ('P1', None)
        """
        return self._by_key.get(_key(name))

    def require(self, names: Iterable[str], where: str) -> None:
        """Refuse names that the file does not list, and pseudonyms that are names in use.

        Parameters
        ----------
        names : iterable of str
            Empty ones need no pseudonym.
        where : str
            Whose names they are, for the message.

        Raises
        ------
        PrivacyError
            CK-585: how many names are not listed, and the first three.
        """
        lacking = [name for name in dict.fromkeys(names) if name and self.of(name) is None]
        if not lacking:
            return
        shown = ", ".join(map(repr, lacking[:3]))
        more = f" and {len(lacking) - 3} more" if len(lacking) > 3 else ""
        what = f"{len(lacking)} names have no pseudonym in {self.path}: {shown}{more}"
        mend = "add a row for each; nothing was written"
        near = did_you_mean(lacking[0], list(self.names))
        raise PrivacyError(Problem("CK-585", what, where, mend, near))

    def replaced(self, column: pd.Series) -> pd.Series:
        """A column of listed names as pseudonyms; empty cells stay empty."""
        found = {name: self.of(name) if name else "" for name in column.unique()}
        return column.map(found).astype("str")


def read_pseudonyms(path: str | Path) -> Pseudonyms:
    r"""Read a table of pseudonyms: columns ``sample`` and ``pseudonym``, other columns are ignored.

    Subjects of a study design stand in the same column as samples.

    Parameters
    ----------
    path : path-like
        .csv, .txt, .tsv, .xlsx or .xls.

    Returns
    -------
    Pseudonyms

    Raises
    ------
    InputError
        CK-100 to CK-117: the file cannot be read.
    PrivacyError
        CK-580 no such columns or no row; CK-581 an empty name or pseudonym; CK-582 a name with
        two pseudonyms; CK-583 a pseudonym of two names; CK-584 a pseudonym that is a real name.
        All of a file together.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder, "names.csv")
    ...     _ = file.write_text("sample,pseudonym\nAnn,P1\nBob,P2\n")
    ...     read_pseudonyms(file).names
    {'Ann': 'P1', 'Bob': 'P2'}
    """
    raw = RawFile.open(path)
    raw.require_readable()
    rows = list(_pairs(raw))
    problems = list(_row_problems(rows, raw.path))
    if problems:
        raise PrivacyError(*problems)
    return Pseudonyms({name: pseudonym for _, name, pseudonym in rows}, raw.path, raw.sha256)


def _key(name: str) -> str:
    """Names are the same however their accents are encoded, and whatever blanks surround them."""
    return unicodedata.normalize("NFC", name).strip()


def _pairs(raw: RawFile) -> Iterator[tuple[int, str, str]]:
    """(line, name, pseudonym) of each row of the first table."""
    if raw.kind == "workbook":
        tables = [sheet.rows for sheet in raw.sheets if any(map(any, sheet.rows))]
        numbered = list(enumerate(tables[0], start=1)) if tables else []
    else:
        numbered = [(raw.line_of(at), row) for at, row in enumerate(raw.rows)]
    filled = [(line, row) for line, row in numbered if any(cell.strip() for cell in row)]
    header = [cell.strip().casefold() for cell in filled[0][1]] if filled else []
    lacking = [name for name in COLUMNS if header.count(name) != 1]
    if lacking or len(filled) < 2:
        what = (
            f"the pseudonyms need one column {' and one '.join(map(repr, lacking))}"
            if lacking
            else "the table of pseudonyms holds no row"
        )
        mend = "give a table with the columns sample and pseudonym"
        near = did_you_mean(lacking[0], [name for name in header if name]) if lacking else ""
        raise PrivacyError(Problem("CK-580", what, place(raw.path), mend, near))
    first, second = (header.index(name) for name in COLUMNS)
    for line, row in filled[1:]:
        cells = [unguard(cell.strip()) for cell in (*row, *[""] * len(header))]
        yield line, cells[first], cells[second]


def _row_problems(rows: Sequence[tuple[int, str, str]], path: str) -> Iterator[Problem]:
    """Everything wrong with the rows."""
    given: dict[str, str] = {}
    owners: dict[str, str] = {}
    real = {_key(name) for _, name, _ in rows}
    for line, name, pseudonym in rows:
        where = place(path, line=line)
        if not name or not pseudonym:
            what = f"the row has no {'sample' if not name else 'pseudonym'}"
            yield Problem("CK-581", what, where, "fill the cell, or remove the row")
            continue
        key, other = _key(name), _key(pseudonym)
        if given.setdefault(key, other) != other:
            what = f"{name!r} has two pseudonyms, {given[key]!r} and {pseudonym!r}"
            yield Problem("CK-582", what, where, "keep one of the rows")
        if owners.setdefault(other, key) != key:
            what = f"{owners[other]!r} and {name!r} have the same pseudonym {pseudonym!r}"
            yield Problem("CK-583", what, where, "give each name a pseudonym of its own")
        if other in real:
            what = f"the pseudonym {pseudonym!r} is itself a name in the table"
            yield Problem("CK-584", what, where, "choose one that is no sample's or subject's name")
