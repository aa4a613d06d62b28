"""What a file in blocks consists of, before anything is interpreted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cytokit.errors import Problem
from cytokit.findings import Finding
from cytokit.parsers._block_bulk import BulkNumbers
from cytokit.parsers._block_header import block_key
from cytokit.plate import Unread

#: Columns that stand beside the analytes.
BESIDE = ("Total Events", "Notes")
#: What a second column is called that is no analyte.
_LABELS = ("Location", "Plate", "Sample")


@dataclass(frozen=True, slots=True)
class Block:
    """One block: its name, its column names and its rows, each row as long as the columns.

    Parameters
    ----------
    name : str
        As the file spells it.
    line : int
        Of the ``DataType:`` cell.
    columns : list of str
    rows : sequence of list of str
    lines : sequence of int
        The line of each row.
    bulk : BulkNumbers, optional
        What the rows hold, where the cells beside the labels were read at once.
    """

    name: str
    line: int
    columns: list[str]
    rows: Sequence[list[str]]
    lines: Sequence[int]
    bulk: BulkNumbers | None = None

    @property
    def key(self) -> str:
        """The name without blanks and capitals, to find a block by."""
        return block_key(self.name)

    @property
    def first(self) -> int:
        """The column in which the analytes begin: behind one label, or two where two are known."""
        return 1 + any(name in _LABELS for name in self.columns[1:2])

    @property
    def is_empty(self) -> bool:
        """Whether no cell beside the labels and the events holds anything."""
        if self.bulk is not None:
            return False  # a block of empty cells is not read at once
        last = len(self.columns) - (self.columns[-1] in BESIDE)
        first = self.first if "Sample" in self.columns[:2] else 0
        return not any(any(row[first:last]) for row in self.rows)

    @property
    def locations(self) -> list[str]:
        """The first column: locations, where the block is one by well."""
        return self.bulk.locations if self.bulk else [row[0] for row in self.rows]

    @property
    def samples(self) -> list[str]:
        """The second column of a block by well."""
        return self.bulk.samples if self.bulk else [row[1] for row in self.rows]

    @property
    def by_well(self) -> bool:
        """Whether each row is that of a well, by its location and sample."""
        return [name.casefold() for name in self.columns[:2]] == ["location", "sample"]

    @property
    def part(self) -> str:
        """How messages call this block."""
        return f"block {self.name!r}"


@dataclass(frozen=True)
class BlockFile:
    """A file taken apart.

    Parameters
    ----------
    file : str
        Its path, for messages.
    header : dict of str to str
        ``key -> value``; further cells of a line are joined, keys of a section carry its name.
    blocks : tuple of Block
        In the file's order.
    footer : str
        The checksum line; empty where the file has none.
    stray : tuple of Unread
        Lines that belong to no block.
    problems : tuple of Problem
        Where the file does not fit the form: CK-121 a row shorter or longer than its block's
        columns, CK-125 table rows outside of any block, CK-126 a block without a name or columns.
    last_line : int
    findings : tuple of Finding
        What does not fit the form and does no harm to the readings.
    """

    file: str
    header: dict[str, str]
    blocks: tuple[Block, ...]
    footer: str
    stray: tuple[Unread, ...]
    problems: tuple[Problem, ...]
    last_line: int
    findings: tuple[Finding, ...] = ()

    def find(self, *names: str) -> Block | None:
        """The first block of any of these names."""
        keys = {block_key(name) for name in names}
        return next((block for block in self.blocks if block.key in keys), None)
