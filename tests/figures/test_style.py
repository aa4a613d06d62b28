"""Saving repeats to the byte, type is embedded, settings do not leak."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest

from cytokit.errors import OutputError, UsageError
from cytokit.figures.panels import panels
from cytokit.figures.style import (
    MARKERS,
    WIDTHS,
    figure_bytes,
    new_figure,
    pages_bytes,
    palette,
    save_figure,
)

SCRIPT = """
import hashlib, sys
from cytokit.figures.style import axes_at, figure_bytes, new_figure
figure = new_figure("single", 40)
axes_at(figure, 10, 5, 60, 25).plot([1, 2, 3], [1, 4, 9], label="IFN-γ")
for name in ("pdf", "svg", "png"):
    print(hashlib.sha256(figure_bytes(figure, name)).hexdigest())
"""


def test_same_figure_same_bytes(trial):
    first = figure_bytes(panels(trial, analytes=["IL-6"]), "svg")
    figure = panels(trial, analytes=["IL-6"])
    assert figure_bytes(figure, "svg") == first
    assert figure_bytes(figure, "svg") == first, "saving twice changes nothing"
    assert figure_bytes(figure, "pdf") == figure_bytes(figure, "pdf")


def test_bytes_do_not_depend_on_the_process(capsys):
    environment = {**os.environ, "PYTHONHASHSEED": "1", "MPLBACKEND": "svg"}
    command = [sys.executable, "-c", SCRIPT]
    done = subprocess.run(command, env=environment, capture_output=True, check=True, text=True)
    exec(SCRIPT, {})
    assert done.stdout == capsys.readouterr().out
    assert len(done.stdout.split()) == 3


def test_pdf_embeds_truetype_and_has_no_date(trial):
    data = figure_bytes(panels(trial, analytes=["IL-6"]), "pdf")
    assert b"/FontFile2" in data
    assert b"/Type3" not in data
    assert b"CreationDate" not in data
    assert pages_bytes([new_figure("single", 20)] * 2).count(b"/Type /Page ") == 2


def test_svg_keeps_text_as_text_and_has_no_date(trial):
    text = figure_bytes(panels(trial, analytes=["IL-6"]), "svg").decode()
    assert ">IL-6</text>" in text
    assert "<dc:date>" not in text
    assert "Arial" in text, "a reader without DejaVu Sans is offered another sans"


def test_png_is_600_dpi_without_text_chunks(trial):
    data = figure_bytes(new_figure("single", 20), "png")
    assert b"tEXt" not in data
    at = data.index(b"pHYs") + 4
    assert round(int.from_bytes(data[at : at + 4], "big") * 0.0254) == 600


def test_save_figure_names_pages(tmp_path):
    figures = [new_figure("single", 20), new_figure("double", 20)]
    written = save_figure(figures, tmp_path / "il-1.5", ("pdf", "svg"))
    assert [path.name for path in written] == ["il-1.5.pdf", "il-1.5.svg", "il-1.5-2.svg"]
    assert all(path.stat().st_size > 500 for path in written)
    (one,) = save_figure(figures[0], tmp_path / "one", ("png",))
    assert one.name == "one.png"


def test_unknown_format_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(
        UsageError, match=r"CK-520: unknown figure format 'pgn'.*did you mean 'png'"
    ):
        save_figure(new_figure("single", 20), tmp_path / "x", ("pdf", "pgn"))
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(UsageError, match="use one of pdf, svg, png"):
        figure_bytes(new_figure("single", 20), "eps")


def test_unknown_width_is_refused():
    with pytest.raises(UsageError, match=r"CK-521: unknown figure width 'dobule'.*'double'"):
        new_figure("dobule", 20)


def test_folder_that_does_not_exist(tmp_path):
    with pytest.raises(OutputError, match=r"CK-522: cannot write the figure") as caught:
        save_figure(new_figure("single", 20), tmp_path / "no" / "x", ("svg",))
    assert "x.svg" in str(caught.value)
    assert caught.value.exit_code == 73


def test_settings_do_not_leak(trial):
    before = dict(mpl.rcParams)
    figure_bytes(panels(trial, analytes=["IL-6"]), "svg")
    assert dict(mpl.rcParams) == before


def test_threads_draw_the_same_figure(trial):
    alone = figure_bytes(panels(trial, analytes=["IL-6"], width="single"), "svg")
    found: list[bytes] = []

    def draw() -> None:
        found.append(figure_bytes(panels(trial, analytes=["IL-6"], width="single"), "svg"))

    threads = [threading.Thread(target=draw) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [alone] * 2


def test_importing_the_rooms_loads_no_heavy_library():
    code = (
        "import sys, cytokit.figures.panels, cytokit.figures.standard_curves\n"
        "import cytokit.figures.companions\n"
        "print([m for m in ('matplotlib', 'seaborn', 'scipy.stats') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stdout.strip() == "[]"


#: Matrices of M. A. Machado, G. Oliveira, L. Fernandes (2009), severity 1, on linear RGB.
BLINDNESS = {
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
                   [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
                     [-0.011820, 0.042940, 0.968881]],
}  # fmt: skip


@pytest.mark.parametrize("kind", BLINDNESS)
def test_the_two_arms_differ_for_colour_blind_readers(kind):
    first, second = (np.array(mpl.colors.to_rgb(hue)) for hue in palette()[:2])
    seen = [np.array(BLINDNESS[kind]) @ hue for hue in (first, second)]
    assert np.linalg.norm(seen[0] - seen[1]) > 0.4


def test_every_group_has_its_own_hue_and_marker():
    assert len(set(palette())) == len(set(MARKERS)) == 8
    assert not {"^", "v", "x"} & set(MARKERS), "kept for out-of-range and deaths"


def test_sizes_are_the_journals(tmp_path: Path):
    assert WIDTHS == {"single": 89.0, "double": 183.0}
