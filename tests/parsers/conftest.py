"""Small exports written for the tests, in the forms that instruments write."""

from __future__ import annotations

import csv
import io
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

Cells = Sequence[Sequence[str]]

WELLS = ("A1", "B1", "C1", "D1", "E1", "F1", "G1", "H1")
SAMPLES = (
    "Background0",
    "Standard1",
    "Standard1",
    "Standard2",
    "Control1",
    "Unknown1",
    "Unknown2",
    "my own",
)
ANALYTES = ("IL-6", "TNFa")


def _numbers(offset: float, wells: int, analytes: int) -> list[list[str]]:
    return [
        [f"{offset + 10 * row + column:g}" for column in range(analytes)] for row in range(wells)
    ]


@pytest.fixture(scope="session")
def xponent() -> Callable[..., str]:
    """A writer of small xPONENT exports; each part can be replaced."""

    def write(
        *,
        wells: Sequence[str] = WELLS,
        samples: Sequence[str] = SAMPLES,
        analytes: Sequence[str] = ANALYTES,
        plate: Sequence[int] | None = None,
        blocks: Mapping[str, Cells] | None = None,
        dilution: Sequence[str] | None = None,
        standards: Mapping[str, Sequence[str]] | None = None,
        controls: Mapping[str, Sequence[str]] | None = None,
        extra: Sequence[Sequence[str]] = (),
        program: Sequence[str] = ("Program", "xPONENT", "", "MAGPIX"),
        batch: str = "batch 1",
        delimiter: str = ",",
        quoting: int = csv.QUOTE_ALL,
        footer: bool = True,
    ) -> str:
        plates = plate or [1] * len(wells)
        where = [
            f"{index + 1}({number},{well})"
            for index, (number, well) in enumerate(zip(plates, wells, strict=True))
        ]
        out = io.StringIO()
        row = csv.writer(out, delimiter=delimiter, quoting=quoting, lineterminator="\r\n").writerow
        row(program)
        row(["Build", "4.2.1705.0"])
        row(["Batch", batch])
        row([])
        row(["Results"])
        row([])
        count = len(analytes)
        contents: dict[str, Cells] = {
            "Median": _numbers(100.5, len(wells), count),
            "Net MFI": _numbers(90.5, len(wells), count),
            "Count": _numbers(60, len(wells), count),
        }
        contents.update(blocks or {})
        for name, cells in contents.items():
            row(["DataType:", name])
            row(["Location", "Sample", *analytes, "Total Events"])
            for place, sample, values in zip(where, samples, cells, strict=True):
                row([place, sample, *values, "500"])
            row([])
        row(["DataType:", "Units"])
        row(["Analyte:", *analytes])
        row(["BeadID:", *[str(12 + k) for k in range(count)]])
        row(["Units:", *["pg/mL"] * count])
        row([])
        for name, table in (
            ("Standard Expected Concentration", standards),
            ("Control Expected Concentration", controls),
        ):
            default = {"Standard1": ["10"] * count, "Standard2": ["2.5"] * count}
            rows = table if table is not None else (default if "Standard" in name else {})
            if rows:
                row(["DataType:", name])
                row(["Reagent", *analytes])
                for reagent, values in rows.items():
                    row([reagent, *values])
                row([])
        if dilution is not None:
            row(["DataType:", "Dilution Factor"])
            row(["Location", "Sample", "Dilution Factor"])
            for place, sample, factor in zip(where, samples, dilution, strict=True):
                row([place, sample, factor] if factor else [place, sample])
            row([])
        for cells_ in extra:
            row(cells_)
        text = out.getvalue()
        if footer:
            text += f"-- CRC --\r\nCRC32: {zlib.crc32(text.encode()):08X}\r\n"
        return text

    return write


@pytest.fixture
def saved(tmp_path: Path) -> Callable[..., Path]:
    """Save text or bytes under a name and give back the path."""

    def save(content: str | bytes, name: str = "plate.csv") -> Path:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return file

    return save
