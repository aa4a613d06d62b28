"""Nothing is sent anywhere: fit, compare and the demo open no socket at all."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest


@pytest.fixture
def no_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even a socket to this machine, nor a look at a name server."""

    def refused(*words: object, **more: object) -> None:
        raise AssertionError(f"a socket was opened: {words} {more}")

    monkeypatch.setattr(socket.socket, "__init__", refused)
    monkeypatch.setattr(socket, "getaddrinfo", refused)


def test_fit_opens_no_socket(run, bench: Path, no_sockets: None) -> None:
    outcome = run("fit", "plate.csv")
    assert outcome.code == 0, outcome.err


@pytest.mark.slow
def test_the_demo_opens_no_socket(run, tmp_path: Path, no_sockets: None) -> None:
    """It runs fit and compare, and writes every page, table and figure there is."""
    outcome = run("demo", tmp_path / "demo")
    assert outcome.code == 0, outcome.err
    assert (tmp_path / "demo/compare/report.html").is_file()


def test_the_guard_of_all_tests(no_network: list[str]) -> None:
    """An address that RFC 5737 keeps for examples: refused, and the attempt is not forgotten."""
    with socket.socket() as one, pytest.raises(OSError, match="tests reach no network"):
        one.connect(("192.0.2.1", 80))
    assert no_network == ["connect to ('192.0.2.1', 80)"]
    no_network.clear()


@pytest.mark.loopback
def test_a_test_that_is_marked_may_reach_this_machine() -> None:
    with socket.socket() as server, socket.socket() as one:
        server.bind(("127.0.0.1", 0))
        server.listen()
        one.connect(server.getsockname())
