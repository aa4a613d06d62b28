"""The table of names and pseudonyms, checked when it is read."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import pandas as pd

from cytokit.cell_text import unguard
from cytokit.errors import PrivacyError, Problem, did_you_mean, place
from cytokit.sources import RawFile

#: the role of the file in a plate's companions and in the manifest
ROLE = "pseudonyms"
COLUMNS = ("sample", "pseudonym")
#: shorter names, such as 7, stand in every date and plate number by chance
TELLING = 3
#: letters of a name that are looked for inside of words, too
_LONG = 6


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
        >>> table.of(" ANN "), table.of("Bob")
        ('P1', None)
        """
        return self._by_key.get(_key(name))

    @cached_property
    def finder(self) -> NameFinder:
        """Finds the listed names in texts."""
        return NameFinder(self.names)

    def require(self, names: Mapping[str, str], where: str) -> None:
        """Refuse names that the file does not list; they are told by their places alone.

        Parameters
        ----------
        names : mapping of str to str
            To where each stands (a well, a line); empty names need no pseudonym.
        where : str
            Whose names they are, for the message.

        Raises
        ------
        PrivacyError
            CK-585: how many names are not listed, and where the first three stand.
        """
        lacking = [at for name, at in names.items() if name and self.of(name) is None]
        if not lacking:
            return
        shown = "; ".join(lacking[:3])
        more = f" and {len(lacking) - 3} more" if len(lacking) > 3 else ""
        what = f"{len(lacking)} names have no pseudonym in {self.path}: {shown}{more}"
        mend = "add a row for each; nothing was written"
        raise PrivacyError(Problem("CK-585", what, where, mend))

    def require_free(self, texts: Mapping[str, str], where: str) -> None:
        """Refuse texts that are written as they are and hold a listed name.

        Parameters
        ----------
        texts : mapping of str to str
            What each is (the plate's name, a path), to the text.
        where : str
            Without a name in it.

        Raises
        ------
        PrivacyError
            CK-596, all texts together.
        """
        problems = []
        for what, text in texts.items():
            if found := self.finder.find(text, telling=True):
                mend = "rename it, or change the name in the table; nothing was written"
                said = f"{what} holds the real name of {self.of(found)!r} and would be written"
                problems.append(Problem("CK-596", said, where, mend))
        if problems:
            raise PrivacyError(*problems)

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


class NameFinder:
    """Finds names in texts, whatever the accents, capitals, blanks and signs they are written with.

    A name is found as a whole word; one of six letters or more (of two in scripts that part no
    words) also inside of one. A single letter, or one or two digits, stand everywhere by chance
    and are found only where the whole text is the name.

    Parameters
    ----------
    names : iterable of str

    Examples
    --------
    >>> finder = NameFinder(["Ann", "Zoë Müller", "7"])
    >>> finder.find("run by ANN_2"), finder.find("an annex"), finder.find("op ZoeMuller1")
    ('Ann', '', 'Zoë Müller')
    >>> finder.find("plate 7"), finder.find(" 7 ")
    ('', '7')
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._alone: dict[str, str] = {}
        self._words: list[tuple[str, str]] = []
        self._inside: list[tuple[str, str]] = []
        for name in names:
            spaced = _spaced(name)
            joined = spaced.replace(" ", "")
            if not joined:
                continue
            self._alone.setdefault(joined, name)
            unparted = any(unicodedata.category(letter) == "Lo" for letter in joined)
            if len(joined) >= TELLING or (len(joined) == 2 and joined.isalpha()):
                self._words.append((spaced, name))
            if len(joined) >= (2 if unparted else _LONG) and not joined.isdecimal():
                self._inside.append((joined, name))

    def find(self, text: str, *, telling: bool = False, short: bool = False) -> str:
        """The first name that stands in a text; empty where none does.

        Parameters
        ----------
        text : str
        telling : bool
            Look for no name of one or two letters, which a path or a word may be by chance.
        short : bool
            Look for such names as words, too.
        """
        spaced = _spaced(text)
        joined = spaced.replace(" ", "")
        found = self._alone.get(joined, "")
        if found and (not telling or len(joined) >= TELLING):
            return found
        if short:
            for word in spaced.split():
                if word in self._alone:
                    return self._alone[word]
        parted = f" {spaced} "
        lettered = "".join(" " if letter.isdecimal() else letter for letter in parted)
        for word, name in self._words:
            if telling and len(word) < TELLING:
                continue
            if f" {word} " in parted or (word.isalpha() and f" {word} " in lettered):
                return name
        return next((name for word, name in self._inside if _inside(word, joined)), "")


def _inside(word: str, text: str) -> bool:
    """Whether a word stands in a text and does not cut a number in two."""
    at = text.find(word)
    while at >= 0:
        before, after = text[at - 1 : at] if at else "", text[at + len(word) : at + len(word) + 1]
        if not (before.isdecimal() and word[0].isdecimal()) and not (
            after.isdecimal() and word[-1].isdecimal()
        ):
            return True
        at = text.find(word, at + 1)
    return False


def _spaced(text: str) -> str:
    """A text's words without accents and capitals, one blank between them."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    letters = (letter for letter in plain if not unicodedata.combining(letter))
    return " ".join("".join(c if c.isalnum() else " " for c in letters).split())


def _key(name: str) -> str:
    """Names are the same whatever their capitals and blanks, and however accents are encoded."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def _pairs(raw: RawFile) -> Iterator[tuple[int, str, str]]:
    """(line, name, pseudonym) of each row of the first table."""
    filled = raw.table()
    header = [cell.casefold() for cell in filled[0][1]] if filled else []
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
        cells = [*map(unguard, row), *[""] * len(header)]
        yield line, cells[first], cells[second]


def _row_problems(rows: Sequence[tuple[int, str, str]], path: str) -> Iterator[Problem]:
    """Everything wrong with the rows."""
    given: dict[str, tuple[str, int]] = {}
    owners: dict[str, tuple[str, int]] = {}
    real = {_key(name) for _, name, _ in rows}
    for line, name, pseudonym in rows:
        where = place(path, line=line)
        if not name or not pseudonym:
            what = f"the row has no {'sample' if not name else 'pseudonym'}"
            yield Problem("CK-581", what, where, "fill the cell, or remove the row")
            continue
        key, other = _key(name), _key(pseudonym)
        earlier, first = given.setdefault(key, (other, line))
        if earlier != other:
            what = f"the name has another pseudonym than {pseudonym!r} on line {first}"
            yield Problem("CK-582", what, where, "keep one of the rows; capitals part no names")
        owner, first = owners.setdefault(other, (key, line))
        if owner != key:
            what = f"the pseudonym {pseudonym!r} is another name's, too, on line {first}"
            yield Problem("CK-583", what, where, "give each name a pseudonym of its own")
        if other in real:
            what = "the pseudonym is itself a name in the table"
            yield Problem("CK-584", what, where, "choose one that is no sample's or subject's name")
