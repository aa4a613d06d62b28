"""Shared fixtures: where the real data lie, and that nothing is sent anywhere."""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]


def real_data() -> Path | None:
    """The folder of real plates and tables, or None."""
    folder = Path(os.environ.get("CYTOKIT_REAL_DATA", ROOT.parent / "shared" / "real"))
    return folder if folder.is_dir() else None


@pytest.fixture(scope="session")
def real() -> Path:
    """The real data's folder; the test is skipped, with the reason, where it is absent."""
    folder = real_data()
    if folder is None:
        if os.environ.get("CYTOKIT_REQUIRE_REAL"):
            pytest.fail("CYTOKIT_REQUIRE_REAL is set but the real data are not there")
        pytest.skip("real data not found at ../shared/real nor at CYTOKIT_REAL_DATA")
    return folder


@pytest.fixture(scope="session")
def cases() -> Path:
    """The folder of small inputs that went wrong; it lies beside the real data."""
    beside = ROOT.parent / "shared" / "real"
    folder = Path(os.environ.get("CYTOKIT_REAL_DATA", beside)).parent / "cases"
    if not folder.is_dir():
        if os.environ.get("CYTOKIT_REQUIRE_REAL"):
            pytest.fail("CYTOKIT_REQUIRE_REAL is set but the cases are not there")
        pytest.skip("cases not found beside the real data")
    return folder


@pytest.fixture(autouse=True)
def no_network(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[list[str]]:
    """No test may reach another machine; what tries fails, however well it hides the error.

    Tests marked ``browser`` or ``loopback`` may reach this machine itself: a browser is driven
    that way, and so are the workers of a local cluster.
    """
    marked = (request.node.get_closest_marker(name) for name in ("browser", "loopback"))
    local = any(mark is not None for mark in marked)
    tried: list[str] = []

    def guarded(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(self: socket.socket, *words: Any) -> Any:
            if self.family == getattr(socket, "AF_UNIX", None) or (local and _loopback(words[-1])):
                return real(self, *words)
            tried.append(f"{real.__name__} to {words[-1]}")
            raise OSError(f"tests reach no network: {tried[-1]}")

        return call

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, guarded(getattr(socket.socket, name)))
    yield tried
    if tried:
        pytest.fail(f"the test reached for the network: {'; '.join(tried)}")


def _loopback(address: Any) -> bool:
    host = str(address[0])
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
