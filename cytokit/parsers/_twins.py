"""One file under two names: its plates would count twice."""

from __future__ import annotations

from collections.abc import Iterable

from cytokit.errors import Problem, UsageError
from cytokit.findings import Finding
from cytokit.plate import SourceInfo


def twin_findings(plates: Iterable[tuple[str, SourceInfo]]) -> list[Finding]:
    """A finding for every plate whose file was given under another name too.

    Parameters
    ----------
    plates : iterable of (name, SourceInfo)
        A file may hold several plates: only another path with the same bytes is a twin.

    Returns
    -------
    list of Finding
        ``same_file``, in the order of the plates.

    Examples
    --------
    >>> one, two = SourceInfo("a.csv", "f00", "xponent"), SourceInfo("copy.csv", "f00", "xponent")
    >>> [finding.plate for finding in twin_findings([("P (a)", one), ("P (copy)", two)])]
    ['P (a)', 'P (copy)']
    """
    listed = list(plates)
    paths: dict[str, dict[str, None]] = {}
    for _, source in listed:
        if source.sha256:  # a simulated plate is no file
            paths.setdefault(source.sha256, {})[source.path] = None
    return [
        Finding(
            "same_file",
            f"the same file, byte for byte, was given as {' and as '.join(paths[source.sha256])}",
            name,
        )
        for name, source in listed
        if len(paths.get(source.sha256, ())) > 1
    ]


def refuse_twins(plates: Iterable[tuple[str, SourceInfo]]) -> None:
    """Refuse files given twice where plates learn from each other.

    Parameters
    ----------
    plates : iterable of (name, SourceInfo)

    Raises
    ------
    UsageError
        CK-590, one problem per file.
    """
    messages = dict.fromkeys(finding.message for finding in twin_findings(plates))
    if messages:
        mend = "give each plate once, or leave --pool (pool=True) out"
        raise UsageError(
            *(
                Problem("CK-590", f"pooled plates must be different: {message}", mend=mend)
                for message in messages
            )
        )
