"""Findings: what was noticed about a file, a well or a curve, one row each in flags.csv."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from cytokit.cell_text import calculates
from cytokit.flags import FLAGS
from cytokit.vocabulary import FLAG_COLUMNS, Severity

_WORST_FIRST = (Severity.FAIL, Severity.WARN, Severity.INFO)
#: this many findings of one code are told in full; the others are counted
_TOLD = 3


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding; empty text where a field does not apply.

    Parameters
    ----------
    code : str
        A key of :data:`cytokit.flags.FLAGS`.
    message : str
        What was seen here, with its numbers.
    plate, well, sample, analyte : str
        What it concerns.
    severity : Severity, optional
        The catalogue's own severity where not given.

    Examples
    --------
    >>> Finding("low_count", "28 beads, fewer than 35", plate="P1", well="A1").severity
    <Severity.FAIL: 'fail'>
    """

    code: str
    message: str
    plate: str = ""
    well: str = ""
    sample: str = ""
    analyte: str = ""
    severity: Severity | None = None

    def __post_init__(self) -> None:
        if self.code not in FLAGS:
            raise KeyError(f"flag code {self.code!r} is not in cytokit.flags.FLAGS")
        if self.severity is None:
            object.__setattr__(self, "severity", FLAGS[self.code].severity)

    @property
    def told(self) -> str:
        """The message, after what it concerns where it does not name that itself.

        Examples
        --------
        >>> Finding("limit_unknown", "2 of 9 readings are without a limit", analyte="IL-6").told
        'IL-6: 2 of 9 readings are without a limit'
        >>> Finding("curve_failed", "no standards for IL-6", plate="a", analyte="IL-6").told
        'a: no standards for IL-6'
        """
        about = [self.plate, self.well, self.sample, self.analyte]
        lacking = [name for name in about if name and not _names(self.message, name)]
        return ": ".join(filter(None, (", ".join(lacking), self.message)))


@dataclass(frozen=True, slots=True)
class FindingGroup:
    """Findings of one code and severity."""

    code: str
    severity: Severity
    findings: tuple[Finding, ...]

    @property
    def counted(self) -> str:
        """The catalogue's title and how many there are."""
        return f"{FLAGS[self.code].title} ({len(self.findings)})"

    @property
    def told(self) -> str:
        """Title, number and the first messages."""
        rest = len(self.findings) - _TOLD
        more = f"; and {rest} more in flags.csv" if rest > 0 else ""
        return f"{self.counted}: {'; '.join(one.told for one in self.findings[:_TOLD])}{more}"


def worst_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Each finding once, by severity, else in the order given."""
    return tuple(sorted(dict.fromkeys(findings), key=_rank))


def grouped(findings: Iterable[Finding]) -> list[FindingGroup]:
    """Findings by severity, the worst first, and by code."""
    found: dict[tuple[Severity, str], list[Finding]] = {}
    for one in worst_first(findings):
        found.setdefault((_severity(one), one.code), []).append(one)
    return [FindingGroup(code, kind, tuple(ones)) for (kind, code), ones in found.items()]


def finding_lines(findings: Iterable[Finding]) -> list[str]:
    """What a terminal says of findings: a line per code, what only informs in one line."""
    groups = grouped(findings)
    lines = [f"{one.severity}: {one.told}" for one in groups if one.severity is not Severity.INFO]
    told = [one.counted for one in groups if one.severity is Severity.INFO]
    return [*lines, f"{Severity.INFO}: {', '.join(told)}"] if told else lines


def finding_counts(findings: Iterable[Finding]) -> dict[str, dict[str, int]]:
    """How many findings of each code, by severity, the worst first: for a manifest."""
    counts: dict[str, dict[str, int]] = {}
    for group in grouped(findings):
        counts.setdefault(str(group.severity), {})[group.code] = len(group.findings)
    return counts


def relocated(findings: Iterable[Finding], paths: Mapping[str, str]) -> tuple[Finding, ...]:
    """Findings whose messages name other paths than those that were read."""
    moved = sorted((old for old, new in paths.items() if old and old != new), key=len, reverse=True)
    if not moved:
        return tuple(findings)
    return tuple(replace(one, message=_relocated(one.message, moved, paths)) for one in findings)


def _relocated(message: str, moved: Sequence[str], paths: Mapping[str, str]) -> str:
    """The message with other paths: each a whole one, not the end or the beginning of another."""
    done, at = "", 0
    while at < len(message):
        old = next((path for path in moved if message.startswith(path, at)), "")
        end = at + len(old)
        before, after = message[max(at - 1, 0) : at], message[end : end + 1]
        whole = old and not (_in_word(before) or before in tuple("./\\-"))
        whole = whole and not (_in_word(after) or after in tuple("/\\-"))
        done += paths[old] if whole else message[at]
        at = end if whole else at + 1
    return done


def _names(message: str, name: str) -> bool:
    """Whether the name stands in the message as a word of its own."""
    at = message.find(name)
    while at >= 0:
        if not _in_word(message[at - 1 : at]) and not _in_word(message[at + len(name) :][:1]):
            return True
        at = message.find(name, at + 1)
    return False


def _in_word(letter: str) -> bool:
    """Whether a word or number goes on with this letter."""
    return letter.isalnum() or letter == "_"


def _severity(finding: Finding) -> Severity:
    """The finding's severity, which is set once it is made."""
    return Severity(str(finding.severity))


def _rank(finding: Finding) -> int:
    return _WORST_FIRST.index(_severity(finding))


def formula_findings(texts: Iterable[str], *, plate: str = "") -> list[Finding]:
    """Names that a spreadsheet would calculate, and that CSV files guard with an apostrophe."""
    risky = [text for text in dict.fromkeys(texts) if calculates(text)]
    if not risky:
        return []
    shown = ", ".join(f"{text!r:.60}" for text in risky[:4])
    more = f" and {len(risky) - 4} more" if len(risky) > 4 else ""
    many = len(risky) > 1
    message = (
        f"{len(risky)} {'names' if many else 'name'} would be calculated by a spreadsheet "
        f"({shown}{more}): CSV files hold {'them' if many else 'it'} behind an apostrophe"
    )
    return [Finding("guarded_text", message, plate)]


def damaged_value(
    text: str, part: str, *, plate: str = "", well: str = "", sample: str = "", analyte: str = ""
) -> Finding:
    """The finding for a cell that is neither a number nor a known flag."""
    message = f"{part}: {text!r} is neither a number nor a known flag; no value was read"
    return Finding("damaged_value", message, plate, well, sample, analyte)


def findings_table(findings: Iterable[Finding]) -> pd.DataFrame:
    """Findings as a frame with the columns of flags.csv, in the order given, repeats removed."""
    rows = [
        (f.plate, f.well, f.sample, f.analyte, f.code, str(f.severity), f.message)
        for f in dict.fromkeys(findings)
    ]
    return pd.DataFrame(rows, columns=list(FLAG_COLUMNS), dtype="str")
