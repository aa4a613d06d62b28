"""The families of exports: what each says of itself, and which of them a file belongs to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from cytokit.errors import FormatError, Problem, place
from cytokit.options import WeightName
from cytokit.plate import Plate
from cytokit.sources.raw import RawFile


@dataclass(frozen=True, slots=True)
class RunKeys:
    """The header lines that tell of a run, the most telling first.

    Dates: when the reading began, when it ended, when the file was made.
    """

    date: tuple[str, ...] = ()
    instrument: tuple[str, ...] = ()
    model: tuple[str, ...] = ()
    panel: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Parser:
    """One family: its key and title, how to recognise and read a file, and what follows from it.

    ``weights`` is the rule by which the vendor's software weights standards; ``takes_lots`` says
    that ``read`` takes the laboratory's lots file as ``lots=``.
    """

    name: str
    title: str
    sniff: Callable[[RawFile], bool]
    read: Callable[..., list[Plate]]
    weights: WeightName = "xponent"
    run: RunKeys = field(default_factory=RunKeys)
    takes_lots: bool = False


#: every family by its key, which a plate carries as ``source.format``
PARSERS: dict[str, Parser] = {}


def parser(
    name: str,
    title: str,
    *,
    sniff: Callable[[RawFile], bool],
    weights: WeightName = "xponent",
    run: RunKeys | None = None,
    takes_lots: bool = False,
) -> Callable[[Callable[..., list[Plate]]], Callable[..., list[Plate]]]:
    """Register a family by the function that reads every plate of its files."""
    if name in PARSERS:
        raise ValueError(f"two parsers are called {name!r}")

    def register(read: Callable[..., list[Plate]]) -> Callable[..., list[Plate]]:
        PARSERS[name] = Parser(name, title, sniff, read, weights, run or RunKeys(), takes_lots)
        return read

    return register


def run_keys(export_format: str) -> RunKeys:
    """The header lines of a family; of all families for a plate that is no export of one."""
    if export_format in PARSERS:
        return PARSERS[export_format].run
    every = [one.run for one in PARSERS.values()]
    return RunKeys(
        date=tuple(dict.fromkeys(key for run in every for key in run.date)),
        instrument=tuple(dict.fromkeys(key for run in every for key in run.instrument)),
        model=tuple(dict.fromkeys(key for run in every for key in run.model)),
        panel=tuple(dict.fromkeys(key for run in every for key in run.panel)),
    )


def titles() -> str:
    """What was looked for, for messages."""
    return "; ".join(one.title for one in PARSERS.values())


def recognise(raw: RawFile) -> Parser:
    """The one parser that claims the file."""
    raw.require_readable()
    claims = [one for one in PARSERS.values() if one.sniff(raw)]
    if len(claims) == 1:
        return claims[0]
    if claims:
        names = " and ".join(one.name for one in claims)
        what = f"several families claim this file: {names}"
        mend = "export the plate again without joining files"
        raise FormatError(Problem("CK-104", what, place(raw.path), mend))
    if raw.kind == "workbook":
        begins = f"sheet {raw.sheets[0].name}" if raw.sheets else "no sheet"
    else:
        begins = next((line.strip() for line in raw.lines if line.strip()), "")
        begins = begins if len(begins) <= 60 else f"{begins[:57]}..."
    what = f"no known plate export ({raw.kind}); it begins with {begins!r}"
    mend = f"give the instrument's own export; looked for: {titles()}"
    raise FormatError(Problem("CK-103", what, place(raw.path), mend))
