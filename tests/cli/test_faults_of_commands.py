"""Commands under bad luck: damaged plates, twins, full disks, odd names, signals, two at once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pytest

from cytokit.folder import read_manifest, sha256_of
from cytokit.report import page
from cytokit.results.verify import verify
from cytokit.simulate.exports import WRITERS
from cytokit.simulate.trials import simulate_trial

resource = pytest.importorskip("resource", reason="limits and signals as POSIX has them")
MAIN = [sys.executable, "-c", "from cytokit_cli.main import main; main()"]


@pytest.fixture(scope="module")
def exports() -> dict[str, bytes]:
    """A small plate as a text and as a workbook, without a name of its own."""
    plate = simulate_trial(seed=5, subjects=4, analytes=["IL-6", "TNFa"], deaths=(0, 0)).plates[0]
    text = WRITERS["xponent"].write(plate).replace(b'"Batch","plate_1"', b'"Batch",""')
    return {"csv": text, "xlsx": WRITERS["bioplex"].write(plate)}


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def is_whole(folder: Path) -> bool:
    outputs = read_manifest(folder)["outputs"]
    return all(sha256_of(folder / entry["name"]) == entry["sha256"] for entry in outputs)


def test_damaged_plates_among_good_ones(run, desk: Path, exports: dict[str, bytes]) -> None:
    text, book = exports["csv"], exports["xlsx"]
    files = {
        "good_1.csv": text,
        "good_2.xlsx": book,
        "cut.xlsx": book[: len(book) // 2],
        "cut.csv": text[: text.index(b"Net MFI") - 300],
        "empty.csv": b"",
        "binary.csv": bytes(range(256)) * 40,
        "missing.csv": None,
    }
    for name, data in files.items():
        if data is not None:
            Path(name).write_bytes(data)
    outcome = run("fit", *files, "--out", "run1")
    assert outcome.code == 3
    damaged = [name for name in files if not name.startswith("good")]
    for name in damaged:
        assert f"where: {name}" in outcome.err, name
    assert "good" not in "".join(line for line in outcome.err.splitlines() if "where" in line)
    assert is_whole(desk / "run1")
    listed = {entry["name"] for entry in read_manifest("run1")["inputs"]}
    assert listed == {"good_1.csv", "good_2.xlsx"}


def test_one_plate_under_two_names(run, desk: Path, exports: dict[str, bytes]) -> None:
    for name in ("monday.csv", "tuesday.csv"):
        Path(name).write_bytes(exports["csv"])
    words = ("monday.csv", "tuesday.csv")
    outcome = run("fit", *words)
    assert outcome.code == 0
    said = "the same file, byte for byte, was given as monday.csv and as tuesday.csv"
    assert outcome.err.count(said) == 1
    flags = pd.read_csv("cytokit_fit/flags.csv").query("code == 'same_file'")
    assert flags["plate"].tolist() == ["monday", "tuesday"]
    assert set(flags["message"]) == {said}
    assert set(flags["severity"]) == {"warn"}
    outcome = run("fit", *words, "--pool", "--out", "pooled")
    assert outcome.code == 2
    assert f"CK-590: pooled plates must be different: {said}" in outcome.err
    assert not Path("pooled").exists()


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """No file may grow beyond a size: what a full disk does, at a place we choose."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("size", [300, 4000, 9000, 20_000, 60_000])
def test_fit_on_a_disk_that_is_full(run, desk: Path, exports: dict[str, bytes], size: int) -> None:
    """The limits stop a small table, a large one, the workbook, the page."""
    Path("plate.csv").write_bytes(exports["csv"])
    with largest_file(size):
        outcome = run("fit", "plate.csv")
    assert outcome.code == 73, outcome.err
    assert "File too large" in outcome.err
    assert ".cytokit-unfinished" not in outcome.err
    assert [entry.name for entry in desk.iterdir()] == ["plate.csv"]


@pytest.mark.parametrize(
    "words",
    [
        ("convert", "plate.csv", "--to", "tidy.csv"),
        ("convert", "plate.csv", "--to", "tidy.xlsx"),
        ("simulate", "--subjects", "4"),
        ("demo", "."),
        pytest.param(("compare", "table.csv"), marks=pytest.mark.slow),
    ],
)
def test_other_commands_on_a_disk_that_is_full(
    run, desk: Path, exports: dict[str, bytes], words: tuple[str, ...]
) -> None:
    if words[0] != "demo":
        Path("plate.csv").write_bytes(exports["csv"])
    rows = [
        (f"{arm}{number}", arm, day, 5 + number + day)
        for arm in ("treated", "control")
        for number in range(4)
        for day in (0, 6)
    ]
    if words[0] == "compare":
        frame = pd.DataFrame(rows, columns=["subject", "group", "day", "IL-6 (pg/mL)"])
        frame.to_csv("table.csv", index=False)
    before = {entry.name for entry in desk.iterdir()}
    with largest_file(2000):
        outcome = run(*words)
    assert outcome.code == 73, outcome.err
    left = {entry.name for entry in desk.iterdir()} - before
    assert left <= {"plates"}  # the demo copies its plates one by one
    assert not list(desk.rglob("manifest.json"))


@pytest.mark.parametrize(
    "words",
    [
        ("fit", "plate.csv", "--out", "plate.csv/run1"),
        ("simulate", "--subjects", "4", "--out", "/proc/nothing/here"),
        ("convert", "plate.csv", "--to", "no/such/folder/tidy.csv"),
        ("convert", "plate.csv", "--to", "plate.csv/tidy.csv"),
        ("convert", "plate.csv", "--to", "n" * 300 + ".csv"),
        ("demo", "plate.csv/demo"),
    ],
)
def test_goals_that_cannot_be_made(
    run, desk: Path, exports: dict[str, bytes], words: tuple[str, ...]
) -> None:
    """Read-only to everybody, also to root: below a file, in /proc, under too long a name."""
    Path("plate.csv").write_bytes(exports["csv"])
    outcome = run(*words)
    assert outcome.code == 73, outcome.err
    assert "error CK-503: the results cannot be written" in outcome.err
    assert [entry.name for entry in desk.iterdir()] == ["plate.csv"]


@pytest.mark.parametrize(
    "stem",
    [
        "血漿プレート1",
        "p" * 251,
        pytest.param(unicodedata.normalize("NFD", "Zoë Ångström"), marks=pytest.mark.slow),
        pytest.param("🧪🧫", marks=pytest.mark.slow),
        pytest.param(unicodedata.normalize("NFC", "Zoë Ångström"), marks=pytest.mark.slow),
        pytest.param("CON", marks=pytest.mark.slow),
        pytest.param("NUL.tar", marks=pytest.mark.slow),
        pytest.param("plate. ", marks=pytest.mark.slow),
        pytest.param("-plate", marks=pytest.mark.slow),
        pytest.param("=HYPERLINK(1)", marks=pytest.mark.slow),
    ],
)
def test_odd_names_of_files(run, desk: Path, exports: dict[str, bytes], stem: str) -> None:
    file = f"{stem}.csv"
    try:
        Path(file).write_bytes(exports["csv"])
    except OSError:
        pytest.skip("the file system here takes no such name")
    outcome = run("fit", "--", file)
    assert outcome.code == 0, outcome.err
    (made,) = [entry for entry in desk.iterdir() if entry.is_dir()]
    assert made.name.endswith("_cytokit")
    assert len(os.fsencode(made.name)) <= 255
    assert verify(made).identical
    assert read_manifest(made)["inputs"][0]["path"] == file
    samples = pd.read_csv(made / "samples.csv", keep_default_na=False)
    assert set(samples["plate"].str.removeprefix("'")) == {stem}


@pytest.mark.parametrize(
    ("batch", "said"),
    [
        (b"", "CK-541: a text holds half a character"),  # the plate is called as its file is
        (b"plate", "CK-551: a name holds half a character"),  # the page shows the path
    ],
)
def test_a_file_whose_name_is_no_unicode(
    run, desk: Path, exports: dict[str, bytes], batch: bytes, said: str
) -> None:
    file = os.fsdecode(b"pl\xe4te.csv")
    Path(file).write_bytes(exports["csv"].replace(b'"Batch",""', b'"Batch","%s"' % batch))
    outcome = run("fit", file)
    assert outcome.code == 73
    assert said in outcome.err
    assert "mend:  rename the file" in outcome.err
    assert [entry for entry in desk.iterdir() if entry.is_dir()] == []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_leave_nothing(
    run,
    desk: Path,
    exports: dict[str, bytes],
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    code: int,
) -> None:
    """Ctrl-C and SIGTERM while the folder is half written."""
    Path("plate.csv").write_bytes(exports["csv"])
    seen = []

    def struck(*_: object, **__: object) -> None:
        seen.extend(desk.glob(".cytokit-unfinished-*/wells.csv"))
        os.kill(os.getpid(), number)

    monkeypatch.setattr(page, "write_page", struck)
    before = signal.getsignal(signal.SIGTERM)
    outcome = run("fit", "plate.csv")
    assert len(seen) == 1
    assert outcome.code == code
    assert "stopped" in outcome.err
    assert [entry.name for entry in desk.iterdir()] == ["plate.csv"]
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -signal.SIGKILL)],
)
def test_a_run_over_many_plates_that_is_stopped(
    desk: Path, exports: dict[str, bytes], number: int, code: int
) -> None:
    """With worker processes, as a terminal or a batch queue stops it: all of them at once."""
    files = [f"plate_{one:02d}.csv" for one in range(10)]
    for name in files:
        Path(name).write_bytes(exports["csv"] + name.encode())
    words = ["fit", *files, "--jobs", "2", "--out", "run1"]
    begun = subprocess.Popen(
        [*MAIN, *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    while not list(desk.glob(".cytokit-unfinished-*/wells.csv")) and begun.poll() is None:
        time.sleep(0.01)
    os.killpg(begun.pid, number)
    said = begun.communicate(timeout=60)[1]
    assert begun.returncode == code, said
    assert not Path("run1").exists()
    left = list(desk.glob(".cytokit-*"))
    assert len(left) == (number == signal.SIGKILL)
    again = subprocess.run([*MAIN, *words], capture_output=True, text=True, check=True)
    for one in left:
        assert f"removed what a killed run left: {one.name}" in again.stderr
    assert is_whole(desk / "run1")
    assert list(desk.glob(".cytokit-*")) == []


@pytest.mark.slow
def test_two_processes_and_one_folder(desk: Path, exports: dict[str, bytes]) -> None:
    """One wins whole, the other is refused; never a mixture."""
    for name in ("one.csv", "two.csv"):
        Path(name).write_bytes(exports["csv"] + name.encode())
    for _ in range(2):
        runs = [
            subprocess.Popen(
                [*MAIN, "fit", name, "--out", "run1"],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
            )
            for name in ("one.csv", "two.csv")
        ]
        said = [run.communicate()[1] for run in runs]
        codes = [run.returncode for run in runs]
        assert sorted(codes) == [0, 2], said
        loser = said[codes.index(2)]
        assert "CK-592" in loser or "CK-501" in loser
        assert is_whole(desk / "run1")
        winner = ("one", "two")[codes.index(0)]
        assert set(pd.read_csv("run1/samples.csv")["plate"]) == {winner}
        assert list(desk.glob(".cytokit*")) == []
        for file in sorted((desk / "run1").iterdir()):
            file.unlink()


def test_folders_of_unfinished_or_changed_fits_are_no_input(
    run, desk: Path, exports: dict[str, bytes]
) -> None:
    Path("plate.csv").write_bytes(exports["csv"])
    assert run("fit", "plate.csv", "--out", "run1").code == 0
    words = ("compare", "run1", "--design", "design.csv")
    Path("design.csv").write_text("sample,subject,group,day\n")
    samples, manifest = Path("run1/samples.csv"), Path("run1/manifest.json")
    content, listed = samples.read_bytes(), manifest.read_text()

    samples.write_bytes(content.replace(b"in_range", b"in_rang3"))
    outcome = run(*words)
    assert outcome.code == 3
    assert "CK-595: samples.csv is not what fit wrote here" in outcome.err
    samples.write_bytes(content)
    other = json.dumps({**json.loads(listed), "outputs": 3})
    for damaged, said in (
        (listed[:200], "CK-511: the manifest cannot be read"),
        (other, "CK-599: parts of the manifest are not as cytokit writes them: outputs"),
        ("[]", "CK-512: not a manifest of the form"),
    ):
        manifest.write_text(damaged)
        outcome = run(*words)
        assert outcome.code == 3
        assert said in outcome.err
    manifest.unlink()
    outcome = run(*words)
    assert outcome.code == 3
    assert "CK-510: the folder holds no manifest.json" in outcome.err
