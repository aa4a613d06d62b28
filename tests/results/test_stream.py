"""``fit_to``: many plates chunk by chunk, the same bytes whoever carries them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import cytokit as ck
from cytokit.curves import platefit
from cytokit.errors import InputError, NothingToDoError, UsageError
from cytokit.folder import files_in, read_manifest
from cytokit.options import FitOptions
from cytokit.parsers.read import read_file
from cytokit.results import stream, write
from cytokit.results import stream as tasks
from cytokit.results.verify import verify
from cytokit.simulate.exports import WRITERS
from cytokit.simulate.trials import CYTOKINES, PlatePlan, simulate_plate

N_PLATES = 6
EXCLUSIONS = pd.DataFrame(
    [
        ("", "A1", "", "bubble", "kb"),
        ("run 0", "C1", "IL-6", "clot", "kb"),
    ],
    columns=["plate", "well", "analyte", "reason", "who"],
)


@pytest.fixture(scope="module", autouse=True)
def small_chunks() -> Iterator[None]:
    """Two plates are few and a chunk: six are many in three chunks."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (stream, platefit):
            patch.setattr(module, "PLATES_PER_CHUNK", 2)
        patch.setattr(write, "FEW", 2)
        yield


def export(name: str, seed: int, *, fade: float = 1.0) -> bytes:
    rng = np.random.default_rng(seed)
    samples = {f"S{seed}-{i}": np.exp(rng.normal(5, 1, 2)) for i in range(4)}
    plate = simulate_plate(CYTOKINES[:2], samples, rng=rng, plan=PlatePlan(), name=name)
    wells = plate.wells.assign(mfi=plate.wells["mfi"] * fade, net_mfi=plate.wells["net_mfi"] * fade)
    return WRITERS["xponent"].write(replace(plate, wells=wells))


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Exports of more than one chunk: two of one name, one faint, one given twice."""
    folder = tmp_path_factory.mktemp("exports")
    for number in range(N_PLATES - 1):
        data = export(f"run {min(number, 3)}", number, fade=0.2 if number == 2 else 1.0)
        (folder / f"plate_{number}.csv").write_bytes(data)
    (folder / "plate_9.csv").write_bytes((folder / "plate_1.csv").read_bytes())
    return folder


@pytest.fixture(scope="module")
def whole(exports: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the fit in memory writes."""
    goal = tmp_path_factory.mktemp("whole") / "results"
    ck.fit(ck.read_plates(exports), exclusions=EXCLUSIONS).write(goal)
    return goal


def assert_same(one: Path, other: Path) -> None:
    assert files_in(one) == files_in(other)
    for name in files_in(one):
        assert (one / name).read_bytes() == (other / name).read_bytes(), name


def test_the_streamed_folder_is_that_of_the_fit_in_memory(
    exports: Path, whole: Path, tmp_path: Path
) -> None:
    record = ck.fit_to(tmp_path / "out", exports, exclusions=EXCLUSIONS)
    assert_same(whole, tmp_path / "out")
    assert len(record.plates) == N_PLATES
    assert len(record.summary) == 2 * N_PLATES
    assert {one.code for one in record.shared} == {"same_file", "low_signal"}
    assert repr(record).startswith("<FitRecord: 6 plate(s) in ")


def test_threads_give_the_same_bytes(exports: Path, whole: Path, tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as executor:
        ck.fit_to(
            tmp_path / "out",
            exports,
            exclusions=EXCLUSIONS,
            executor=executor,
            in_flight=5,
        )
    assert_same(whole, tmp_path / "out")


def test_processes_give_the_same_bytes(exports: Path, whole: Path, tmp_path: Path) -> None:
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as executor:
        ck.fit_to(tmp_path / "out", exports, exclusions=EXCLUSIONS, executor=executor)
    assert_same(whole, tmp_path / "out")


@pytest.mark.loopback
def test_the_example_of_the_docs_gives_the_same_bytes_on_a_dask_cluster(
    exports: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (Path(__file__).parents[2] / "docs/scale.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    (tmp_path / "exports").symlink_to(exports)
    monkeypatch.chdir(tmp_path)
    exec(compile(example, "scale.md", "exec"), {"__name__": "__main__"})
    ck.fit_to("again", "exports")
    assert_same(tmp_path / "again", tmp_path / "results")


@pytest.mark.loopback
def test_fit_takes_a_dask_cluster_too(exports: Path, whole: Path, tmp_path: Path) -> None:
    from distributed import Client, LocalCluster

    with (
        LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None)
        as cluster,
        Client(cluster) as client,
    ):  # fmt: skip
        executor = client.get_executor(pure=False)
        result = ck.fit(ck.read_plates(exports), exclusions=EXCLUSIONS, executor=executor)
    result.write(tmp_path / "held")
    assert_same(whole, tmp_path / "held")


class Counting(Executor):
    """Works when a result is asked for, and remembers how much was ever waiting."""

    def __init__(self) -> None:
        self.waiting = self.most = 0

    def submit(self, fn, /, *args, **kwargs):
        executor = self
        executor.waiting += 1
        executor.most = max(executor.most, executor.waiting)

        class Late(Future):
            def result(self, timeout=None):  # noqa: ARG002
                executor.waiting -= 1
                return fn(*args, **kwargs)

        return Late()


def test_only_so_many_chunks_are_out_at_once(exports: Path, whole: Path, tmp_path: Path) -> None:
    executor = Counting()
    ck.fit_to(tmp_path / "out", exports, exclusions=EXCLUSIONS, executor=executor, in_flight=2)
    assert (executor.most, executor.waiting) == (2, 0)
    assert_same(whole, tmp_path / "out")


def test_several_plates_of_one_file_may_fall_into_two_chunks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = []
    for number in range(4):
        files.append(tmp_path / f"pair_{number}.csv")
        files[-1].write_bytes(export(f"pair {number}", number))
    plain = read_file

    def two_of_each(file, *, layout=None, decimal=None):
        plate = plain(file, layout=layout, decimal=decimal)[0]
        return [plate, replace(plate, name=f"{plate.name} again")]

    monkeypatch.setattr(tasks, "read_file", two_of_each)
    monkeypatch.setattr(stream, "PLATES_PER_CHUNK", 3)
    record = ck.fit_to(tmp_path / "out", files)
    names = [f"pair {number}{more}" for number in range(4) for more in ("", " again")]
    assert record.plates["plate"].tolist() == names
    wells = pd.read_csv(tmp_path / "out/wells.csv")
    assert wells["plate"].unique().tolist() == names


def test_a_corrupt_plate_is_named_and_the_others_are_fitted(exports: Path, tmp_path: Path) -> None:
    bad = tmp_path / "broken.csv"
    bad.write_bytes((exports / "plate_1.csv").read_bytes()[:700])
    record = ck.fit_to(tmp_path / "out", [*sorted(exports.glob("*.csv")), bad], pages=False)
    assert len(record.plates) == N_PLATES
    assert [error.problems[0].where.split(",")[0] for error in record.failed] == [str(bad)]
    assert "1 files could not be read" in repr(record)


def test_many_plates_of_which_none_can_be_read(exports: Path, tmp_path: Path) -> None:
    for number in range(4):
        text = (exports / "plate_1.csv").read_bytes()[:700]
        (tmp_path / f"broken_{number}.csv").write_bytes(text + b"%d" % number)
    with pytest.raises(InputError, match="broken_3"):
        ck.fit_to(tmp_path / "out", sorted(tmp_path.glob("*.csv")))
    assert not (tmp_path / "out").exists()


def copied(exports: Path, goal: Path) -> list[Path]:
    goal.mkdir()
    for file in exports.glob("*.csv"):
        (goal / file.name).write_bytes(file.read_bytes())
    return sorted(goal.glob("*.csv"))


def test_a_file_that_changes_meanwhile_ends_the_run(exports: Path, tmp_path: Path) -> None:
    files = copied(exports, tmp_path / "in")

    def meddle(what: str, done: int, every: int) -> None:
        if (what, done) == ("reading", every):
            files[0].write_bytes(export("run 0", 77))

    with pytest.raises(InputError, match=r"CK-557.*changed while.*\n.*plate_0\.csv"):
        ck.fit_to(tmp_path / "out", files, progress=meddle)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in"]


def test_an_interrupted_run_leaves_nothing(exports: Path, tmp_path: Path) -> None:
    def stop(what: str, done: int, every: int) -> None:
        if what == "fitting":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), ThreadPoolExecutor(1) as executor:
        ck.fit_to(tmp_path / "out", exports, executor=executor, progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_progress_counts_files_read_and_plates_fitted(exports: Path, tmp_path: Path) -> None:
    said: list[tuple[str, int, int]] = []
    ck.fit_to(tmp_path / "out", exports, pages=False, progress=lambda *words: said.append(words))
    assert said == [(what, done, N_PLATES) for what in ("reading", "fitting") for done in (2, 4, 6)]


def test_exclusions_that_match_nothing_are_refused_before_anything_is_fitted(
    exports: Path, tmp_path: Path
) -> None:
    rows = EXCLUSIONS.assign(plate=["rum 0", "run 0"])
    with pytest.raises(InputError, match=r"CK-335.*matches no reading[\s\S]*did you mean 'run 0'"):
        ck.fit_to(tmp_path / "out", exports, exclusions=rows)
    assert not (tmp_path / "out").exists()


def test_many_plates_can_do_without_pages(exports: Path, whole: Path, tmp_path: Path) -> None:
    record = ck.fit_to(tmp_path / "out", exports, exclusions=EXCLUSIONS, pages=False)
    assert not (tmp_path / "out/plates").exists()
    assert (record.plates["page"] == "").all()
    assert (tmp_path / "out/wells.csv").read_bytes() == (whole / "wells.csv").read_bytes()
    assert verify(tmp_path / "out").identical


def test_a_folder_of_many_plates_can_be_verified(whole: Path) -> None:
    found = verify(whole)
    assert found.identical, found.differences
    assert "plates/00001_run_0.html" in found.checked


def test_pooled_plates_are_fitted_together(exports: Path, tmp_path: Path) -> None:
    files = sorted(exports.glob("plate_*.csv"))[:-1]
    assert len(files) == N_PLATES - 1
    ck.fit_to(tmp_path / "out", files, FitOptions(pool=True))
    ck.fit(ck.read_plates(files), pool=True).write(tmp_path / "held")
    assert_same(tmp_path / "held", tmp_path / "out")
    with pytest.raises(UsageError, match="CK-590"):
        ck.fit_to(tmp_path / "no", exports, FitOptions(pool=True))


def test_few_plates_have_one_page_and_one_workbook(exports: Path, tmp_path: Path) -> None:
    files = sorted(exports.glob("*.csv"))[:2]
    record = ck.fit_to(tmp_path / "out", files)
    ck.fit(ck.read_plates(files)).write(tmp_path / "held")
    assert_same(tmp_path / "held", tmp_path / "out")
    assert "plates.csv" not in files_in(tmp_path / "out")
    assert record.plates["plate"].tolist() == ["run 0", "run 1"]
    assert [str(one) for one in record.verdicts] == record.plates["verdict"].tolist()
    manifest = read_manifest(tmp_path / "out")
    assert [row["verdict"] for row in manifest["verdicts"]] == record.plates["verdict"].tolist()


def test_force_removes_the_pages_of_an_earlier_run(exports: Path, tmp_path: Path) -> None:
    files = sorted(exports.glob("*.csv"))
    ck.fit_to(tmp_path / "out", files)
    (tmp_path / "out/plates/mine.txt").write_text("the user's own")
    with pytest.raises(UsageError, match="CK-501"):
        ck.fit_to(tmp_path / "out", files[:3])
    ck.fit_to(tmp_path / "out", files[:3], force=True)
    pages = sorted(path.name for path in (tmp_path / "out/plates").iterdir())
    assert len(pages) == 4
    assert pages[-1] == "mine.txt"


def test_the_manifest_names_every_plate_and_every_page(whole: Path) -> None:
    manifest = read_manifest(whole)
    assert len(manifest["inputs"]) == N_PLATES
    assert len(manifest["plates"]) == N_PLATES
    named = [entry["name"] for entry in manifest["outputs"]]
    assert sum(name.startswith("plates/") for name in named) == N_PLATES
    assert json.loads((whole / "manifest.json").read_text())["pages"] is True


def test_nothing_to_fit_is_no_success(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no plate\n")
    with pytest.raises(NothingToDoError, match="CK-119"):
        ck.fit_to(tmp_path / "out", tmp_path / "*.txt")
