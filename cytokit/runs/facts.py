"""What a plate's export says of its run: when, on which instrument, with which lots."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from cytokit.plate import Plate
from cytokit.runs.dates import date_order, read_date
from cytokit.runs.lots import read_lots

#: header lines that hold the date of the run, the most telling first: when the reading began, when
#: it ended, when the file was made
_DATES = (
    *("BatchStartTime", "PLATE START", "Acquisition Date", "BatchStopTime", "PLATE END"),
    *("Date", "XmlExportDateTime"),
)
#: what was run: the panel's name, or else the protocol's
_PANELS = ("PanelName", "PANEL NAME", "ProtocolName", "PROTOCOL NAME", "Panel Name")
#: header lines that name the kind of instrument
_MODELS = ("MODEL NAME", "INSTRUMENT TYPE", "Instrument Type", "InstrumentType")
_INSTRUMENTS = ("SN", "Reader Serial Number", "SERIAL NUMBER", "SerialNumber")


@dataclass(frozen=True, slots=True)
class RunFacts:
    """One plate's run.

    Parameters
    ----------
    name : str
        The plate's name.
    sha256 : str
        Of the export.
    date : str
        ISO 8601, to the second; empty where the export has none, or leaves open which number is
        the month.
    date_text, date_from : str
        The date as printed, and the header line that holds it.
    date_order : {"", "mdy", "dmy"}
        What this export shows of the order of day and month.
    instrument : str
        Its serial number.
    lots : mapping of str to str
        By what they are lots of, see :func:`cytokit.runs.lots.read_lots`.
    panel : str
        The panel's name, or else the protocol's; empty where the export names neither.
    """

    name: str
    sha256: str = ""
    date: str = ""
    date_text: str = ""
    date_from: str = ""
    date_order: str = ""
    instrument: str = ""
    lots: Mapping[str, str] = field(default_factory=dict)
    panel: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for a manifest."""
        return asdict(self)


def run_facts(plate: Plate) -> RunFacts:
    """What a plate's header says of its run.

    Parameters
    ----------
    plate : Plate

    Returns
    -------
    RunFacts
        Nothing is taken from anywhere else: a file's own time is when it was copied.

    Examples
    --------
    >>> from cytokit.simulate import simulate_trial
    >>> plate = simulate_trial(seed=1, subjects=8).plates[0]
    >>> run_facts(plate).date
    ''
    """
    header = plate.header
    source = next((name for name in _DATES if header.get(name, "").strip()), "")
    text = header.get(source, "")
    # dates of one file are written in one way; those of the run count before those of a lot
    own = date_order(header[name] for name in _DATES if name in header)
    order = own or date_order(header.values())
    found = read_date(text, order).date
    return RunFacts(
        name=plate.name,
        sha256=plate.source.sha256,
        date="" if found is None else found.isoformat(),
        date_text=text,
        date_from=source,
        date_order=order,
        instrument=next((header[name] for name in _INSTRUMENTS if header.get(name)), ""),
        lots=read_lots(header),
        panel=next((header[name].strip() for name in _PANELS if header.get(name, "").strip()), ""),
    )


def instrument_model(header: Mapping[str, str]) -> str:
    """The kind of instrument that an export names; empty where it names none.

    Examples
    --------
    >>> instrument_model({"Program": "xPONENT, MAGPIX"}), instrument_model({"SN": "LX1"})
    ('MAGPIX', '')
    """
    named = next((header[name].strip() for name in _MODELS if header.get(name, "").strip()), "")
    program = header.get("Program", "").split(", ")[-1].strip()
    return named or ("" if program.casefold() == "xponent" else program)
