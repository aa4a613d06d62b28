"""Words about a file, and how names are kept out of them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

from cytokit.errors import CytokitError, PrivacyError, Problem, place
from cytokit.findings import Finding
from cytokit.flags import FLAGS
from cytokit.pseudonyms.table import NameFinder, Pseudonyms

#: findings whose words are the instrument's own, or an operator's
_VENDOR_WORDS = frozenset({"instrument_warning"})
_QUOTATION = re.compile(r"(?<!\w)'[^']*'|(?<!\w)\"[^\"]*\"")


def clean_findings(
    findings: Iterable[Finding], table: Pseudonyms, names: Sequence[str]
) -> tuple[Finding, ...]:
    """Findings without real names: a quoted one is replaced, other words about it are left out.

    Parameters
    ----------
    findings : iterable of Finding
        What reading a file showed.
    table : Pseudonyms
    names : sequence of str
        The real names that must not stand in them.

    Returns
    -------
    tuple of Finding
        Where a message quotes from the file anything else than a sample or an analyte, or names a
        sample in another way, the catalogue's title stands in its place.

    Examples
    --------
    >>> seen = Finding("repeated_sample", "'Ann' stands in A1, B1", sample="Ann")
    >>> clean_findings([seen], Pseudonyms({"Ann": "P1"}, "names.csv", ""), ["Ann"])[0].message
    "'P1' stands in A1, B1"
    """
    cleaner = Cleaner(table, names)
    return tuple(cleaner.clean(finding) for finding in findings)


def check_words(texts: Mapping[int, str], names: Collection[str], where: str) -> None:
    """Refuse a user's own words, to be written as they are, that hold a sample's name.

    Parameters
    ----------
    texts : mapping of int to str
        By line.
    names : collection of str
        Real names.
    where : str
        The file.

    Raises
    ------
    PrivacyError
        CK-587, all lines together.

    Examples
    --------
    >>> check_words({2: "a bubble"}, ["Ann"], "exclusions.csv")
    """
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
    """Leave a problem's words out where they hold a listed name; its code and line stay.

    Parameters
    ----------
    table : Pseudonyms or None
        None changes nothing.

    Raises
    ------
    CytokitError
        The one that was raised inside, of the same class.
    """
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
