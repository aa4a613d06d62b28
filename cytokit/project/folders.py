"""Names of folders for plates: readable, safe on every system, each once."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

#: bytes of a folder's name; file systems take 255, and a path has many parts
LONGEST = 80
#: before a hash; no stem has it, so that no stem looks like another with its hash
_HASH = "~"
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?")


def safe_stem(path: str) -> str:
    """A file's stem as the name of a folder: letters of any script, digits, ``.``, ``-``, ``_``.

    Names that are too long end in a hash of the whole.

    Examples
    --------
    >>> safe_stem("data/Zürich plate #1.csv"), safe_stem("nul.csv"), len(safe_stem("x" * 300))
    ('Zürich_plate_1', 'nul_', 80)
    """
    stem = unicodedata.normalize("NFC", Path(path).stem)
    clean = re.sub(r"[^\w.-]+", "_", stem).strip("._ ") or "plate"
    if _RESERVED.fullmatch(clean):
        clean += "_"
    if len(clean.encode()) <= LONGEST:
        return clean
    short = clean.encode()[: LONGEST - 9].decode(errors="ignore")
    return f"{short}{_HASH}{_digest(stem)}"


def folder_names(paths: Sequence[str]) -> list[str]:
    """One name per file; those that would share one get a hash of their path, whatever the order.

    Parameters
    ----------
    paths : sequence of str
        As the manifests record them: from the results' folder.

    Returns
    -------
    list of str

    Examples
    --------
    >>> folder_names(["a/plate.csv", "b/plate.csv", "c.csv"])
    ['plate~d1dda724', 'plate~e15df96f', 'c']
    """
    stems = [safe_stem(path) for path in paths]
    shared = Counter(stem.casefold() for stem in stems)
    return [
        stem if shared[stem.casefold()] == 1 else f"{stem}{_HASH}{_digest(path)}"
        for stem, path in zip(stems, paths, strict=True)
    ]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:8]
