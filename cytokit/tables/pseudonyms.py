"""The table of names and pseudonyms, checked when it is read."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import pandas as pd

from cytokit.cell_text import unguard
from cytokit.errors import CytokitError, PrivacyError, Problem, did_you_mean, place
from cytokit.flags import FLAGS, Finding
from cytokit.plate import Plate, SourceInfo
from cytokit.schema import WellType
from cytokit.sources.raw import RawFile

#: the role of the file in a plate's companions and in the manifest
ROLE = "pseudonyms"
COLUMNS = ("sample", "pseudonym")
#: shorter names, such as 7, stand in every date and plate number by chance
TELLING = 3
#: letters of a name that are looked for inside of words, too
_LONG = 6


@dataclass(frozen=True)
class Pseudonyms:
    """A checked table of names and pseudonyms."""

    names: Mapping[str, str]
    path: str
    sha256: str
    _by_key: Mapping[str, str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_key = {_key(name): pseudonym for name, pseudonym in self.names.items()}
        object.__setattr__(self, "_by_key", by_key)

    def of(self, name: str) -> str | None:
        """The pseudonym of a name, None where the file does not list it."""
        return self._by_key.get(_key(name))

    @cached_property
    def finder(self) -> NameFinder:
        """Finds the listed names in texts."""
        return NameFinder(self.names)

    def require(self, names: Mapping[str, str], where: str) -> None:
        """Refuse names that the file does not list; they are told by their places alone."""
        lacking = [at for name, at in names.items() if name and self.of(name) is None]
        if not lacking:
            return
        shown = "; ".join(lacking[:3])
        more = f" and {len(lacking) - 3} more" if len(lacking) > 3 else ""
        what = f"{len(lacking)} names have no pseudonym in {self.path}: {shown}{more}"
        mend = "add a row for each; nothing was written"
        raise PrivacyError(Problem("CK-585", what, where, mend))

    def require_free(self, texts: Mapping[str, str], where: str) -> None:
        """Refuse texts that are written as they are and hold a listed name."""
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
        """The first name that stands in a text; empty where none does."""
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


# Words about a file, and how names are kept out of them.


#: findings whose words are the instrument's own, or an operator's
_VENDOR_WORDS = frozenset({"instrument_warning"})
_QUOTATION = re.compile(r"(?<!\w)'[^']*'|(?<!\w)\"[^\"]*\"")


def clean_findings(
    findings: Iterable[Finding], table: Pseudonyms, names: Sequence[str]
) -> tuple[Finding, ...]:
    """Findings without real names: a quoted one is replaced, other words about it are left out."""
    cleaner = Cleaner(table, names)
    return tuple(cleaner.clean(finding) for finding in findings)


def check_words(texts: Mapping[int, str], names: Collection[str], where: str) -> None:
    """Refuse a user's own words, to be written as they are, that hold a sample's name."""
    finder = NameFinder(names)
    problems = [
        Problem("CK-587", "a reason names a sample, which is to be replaced by its pseudonym",
                place(where, line=line), "name the well instead, or use the pseudonym")
        for line, text in texts.items()
        if finder.find(text, telling=True)
    ]  # fmt: skip
    if problems:
        raise PrivacyError(*problems)


class Cleaner:
    """Takes real names out of words about one file.

    ``kept`` are samples whose names stay (controls, standards, blanks), ``plain`` other words that
    may be quoted (analytes).
    """

    def __init__(
        self,
        table: Pseudonyms,
        real: Sequence[str],
        kept: frozenset[str] = frozenset(),
        plain: frozenset[str] = frozenset(),
    ) -> None:
        self.table = table
        listed = all(table.of(name) is not None for name in real)
        self.finder = table.finder if listed else NameFinder([*table.names, *real])
        self.kept = kept.difference(real)
        self.plain = plain | self.kept

    def names(self, text: str) -> str:
        """The first sample a text names, empty where it names none."""
        return self.finder.find(text, short=True)

    def clean(self, finding: Finding) -> Finding:
        """The finding with a pseudonym, or without a sample where the table knows none."""
        given = finding.sample
        sample = given if given in self.kept else self.table.of(given) or ""
        message = finding.message.replace(repr(given), repr(sample)) if given else finding.message
        if finding.code in _VENDOR_WORDS or self._unsafe(message, sample):
            message = f"{FLAGS[finding.code].title}; more was said, in words from the file"
        return replace(finding, sample=sample, message=message)

    def _unsafe(self, message: str, sample: str) -> bool:
        """Whether a message names a sample, or quotes what may be anybody's name."""
        quoted = {text[1:-1] for text in _QUOTATION.findall(message)}
        return bool(quoted - self.plain - {sample}) or bool(self.names(message))


@contextmanager
def errors_without_names(table: Pseudonyms | None) -> Iterator[None]:
    """Leave a problem's words out where they hold a listed name; its code and line stay."""
    try:
        yield
    except CytokitError as error:
        if table is None:
            raise
        problems = [_without_names(problem, table.finder) for problem in error.problems]
        if tuple(problems) == error.problems:
            raise
        raise type(error)(*problems) from None


def _without_names(problem: Problem, finder: NameFinder) -> Problem:
    def free(text: str, instead: str) -> str:
        return instead if finder.find(text, telling=True) else text

    return Problem(
        problem.code,
        free(problem.what, "what is wrong holds a listed name and is not said; see docs/errors.md"),
        ", ".join(free(part, "a part with a listed name") for part in problem.where.split(", ")),
        free(problem.mend, "see docs/errors.md"),
        free(problem.near, ""),
    )


# Plates with pseudonyms in the place of their samples' names.


_UNKNOWN, _CONTROL = str(WellType.UNKNOWN), str(WellType.CONTROL)


def pseudonymise(plate: Plate, table: Pseudonyms) -> Plate:
    """The plate with pseudonyms for its unknown samples, and without what may hold listed names.

    Names of controls, standards and blanks stay, but for a control that the table lists. The
    export's remarks on readings, its further statistics, header lines that hold a listed name and
    the quoting parts of findings are left out, and findings say so; a plate whose name, path or
    analytes hold one is refused.

    Parameters
    ----------
    plate : Plate
        With its layout applied. One that already has pseudonyms of the same file is returned as
        it is.
    table : Pseudonyms

    Returns
    -------
    Plate
        With the file among its companions, so that the manifest names it.

    Raises
    ------
    PrivacyError
        CK-585: samples without a pseudonym; CK-586: a pseudonym that is the name of a control,
        standard or blank; CK-588: the plate has the pseudonyms of another file; CK-596: a listed
        name in the plate's name, a path, an analyte or a well that stays. Nothing of it is
        an :class:`~cytokit.errors.InputError`: a run must end, not go on without the plate.

    Examples
    --------
    >>> from cytokit.simulate.trials import simulate_trial
    >>> plate = simulate_trial(seed=1, subjects=4, deaths=(0, 0)).plates[0]
    >>> real = plate.of_type(WellType.UNKNOWN)["sample"].unique()
    >>> table = Pseudonyms({name: f"P{n}" for n, name in enumerate(real)}, "names.csv", "")
    >>> pseudonymise(plate, table).of_type(WellType.UNKNOWN)["sample"].unique().tolist()[:2]
    ['P0', 'P1']
    """
    applied = applied_to([plate])
    if applied:
        require_same(applied, table, place(plate.source.path))
        return plate
    wells = plate.wells
    listed = [table.of(str(name)) is not None for name in wells["sample"]]
    unknown = (wells["well_type"] == _UNKNOWN) | (
        (wells["well_type"] == _CONTROL) & pd.Series(listed, wells.index, dtype=bool)
    )
    places: dict[str, str] = {}
    for name, well in zip(wells.loc[unknown, "sample"], wells.loc[unknown, "well"], strict=True):
        places.setdefault(str(name), f"well {well}")
    names = [name for name in places if name]
    fixed = frozenset(str(name) for name in wells.loc[~unknown, "sample"].unique())
    _require_free(plate, fixed, table)
    table.require(places, place(plate.source.path))
    _refuse_taken(names, fixed, table, place(plate.source.path))
    cleaner = Cleaner(table, names, fixed, frozenset(plate.analyte_names))
    held = [
        key
        for key, text in plate.header.items()
        if table.finder.find(f"{key}: {text}") or table.finder.find(text)
    ]
    header = {
        key: "" if key in held else text
        for key, text in plate.header.items()
        if not table.finder.find(key)
    }
    sample = wells["sample"].mask(unknown, table.replaced(wells["sample"].where(unknown, "")))
    return replace(
        plate,
        wells=wells.assign(sample=sample, comment=pd.Series("", wells.index, dtype="str")),
        header=header,
        statistics={},
        findings=(
            *(cleaner.clean(finding) for finding in plate.findings),
            *_remarks_left_out(plate),
            *_header_left_out(plate, held),
        ),
        unread=tuple(
            replace(part, name="a part whose title holds a sample's name")
            if cleaner.names(f"{part.name} {part.where} {part.reason}")
            else part
            for part in plate.unread
        ),
        companions=(*plate.companions, SourceInfo(table.path, table.sha256, ROLE)),
    )


def applied_to(plates: Iterable[Plate]) -> str:
    """SHA-256 of the pseudonyms file that plates already have; empty where they have none."""
    companions = [entry for plate in plates for entry in plate.companions]
    return next((entry.sha256 for entry in companions if entry.format == ROLE), "")


def require_same(sha256: str, table: Pseudonyms, where: str) -> None:
    """Refuse results made with another pseudonyms file than the one at hand."""
    if sha256 != table.sha256:
        what = f"it was made with another pseudonyms file than {table.path}, or an earlier one"
        mend = "fit again with this file: one study needs one table of pseudonyms"
        raise PrivacyError(Problem("CK-588", what, where, mend))


def _refuse_taken(
    names: Iterable[str], fixed: Collection[str], table: Pseudonyms, where: str
) -> None:
    """Refuse pseudonyms that are the names of controls, standards or blanks of the plate."""
    taken = [name for name in names if table.of(name) in fixed]
    problems = [
        Problem("CK-586", f"the pseudonym {table.of(name)!r} is the name of a control, standard "
                "or blank of the plate", where, "choose another pseudonym")
        for name in taken
    ]  # fmt: skip
    if problems:
        raise PrivacyError(*problems)


def _remarks_left_out(plate: Plate) -> Iterator[Finding]:
    """The export's own remarks may hold anything, so they go; this says how many."""
    count = int((plate.wells["comment"] != "").sum())
    if count:
        message = f"{count} remarks of the export on readings may hold names and are left out"
        yield Finding("remarks_left_out", message, plate.name)


def _header_left_out(plate: Plate, keys: Sequence[str]) -> Iterator[Finding]:
    """Header lines that hold a listed name are empty from here on; this says how many."""
    if keys:
        message = f"{len(keys)} lines of the export's header hold a listed name and are left out"
        yield Finding("header_left_out", message, plate.name)


def _require_free(plate: Plate, fixed: Collection[str], table: Pseudonyms) -> None:
    """Refuse what is written as it is and holds a listed name."""
    texts = {
        "the plate's name": plate.name,
        "the path of the plate's file": plate.source.path,
        "the path of the pseudonyms": table.path,
        **{f"the path of the {one.format}": one.path for one in plate.companions},
        **{
            f"analyte number {number}": f"{name} {plate.unit(name)}"
            for number, name in enumerate(plate.analyte_names, start=1)
        },
    }
    for number, name in enumerate(sorted(fixed), start=1):
        if table.of(name) is None:  # the very name of a standard is nobody's
            texts[f"the name of a control, standard or blank (number {number})"] = name
    table.require_free(texts, "one of the plates")
