"""Words about a file, and how names are kept out of them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from cytokit.errors import PrivacyError, Problem, place
from cytokit.findings import Finding
from cytokit.flags import FLAGS
from cytokit.pseudonyms.table import Pseudonyms

#: findings whose words are the instrument's own, or an operator's
_VENDOR_WORDS = frozenset({"instrument_warning"})
#: shorter names, such as 7, stand in every date and plate number by chance
TELLING = 3
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
    telling = [name for name in names if len(name) >= TELLING]
    problems = [
        Problem("CK-587", "a reason names a sample, which is to be replaced by its pseudonym",
                place(where, line=line), "name the well instead, or use the pseudonym")
        for line, text in texts.items()
        if first_named(text, telling)
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
        self.real = real
        self.kept = kept.difference(real)
        self.plain = plain | self.kept

    def names(self, text: str) -> str:
        """The first sample a text names, empty where it names none."""
        return first_named(text, self.real)

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


def first_named(text: str, names: Collection[str]) -> str:
    """The first of the names that stands in a text, not merely as a part of a word."""
    folded = text.casefold()
    for name in names:
        if name.casefold() in folded and re.search(
            rf"(?<![^\W_]){re.escape(name)}(?![^\W_])", text, re.IGNORECASE
        ):
            return name
    return ""
