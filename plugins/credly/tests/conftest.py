"""A Credly client made from a real config file, against the sandbox over real HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from connectctl.config.paths import ProfilePaths
from connectctl.config.settings import load_settings
from connectctl.testing.clock import FakeClock
from connectctl_credly.client import Credly, make_client
from connectctl_credly.plugin import CONNECTION
from connectctl_sandbox import Sandbox

Connect = Callable[..., Credly]


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox(seed=1) as box:
        yield box


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def connect(box: Sandbox, clock: FakeClock, tmp_path: Path) -> Iterator[Connect]:
    """Makes clients of the sandbox's organization; `settings` replaces some values."""
    made: list[Credly] = []

    def make(**settings: Any) -> Credly:
        own = {"base_url": box.credly_url, "organization_id": box.credly.organization_id, "token": box.credly.token}
        values = own | {"rate": "none"} | settings
        file = tmp_path / "config.toml"
        lines = [f'{name} = "{value}"' for name, value in values.items() if value is not None]
        file.write_text("[connections.credly]\n" + "\n".join(lines))
        file.chmod(0o600)
        paths = ProfilePaths("default", file, tmp_path, tmp_path, tmp_path)
        made.append(make_client(load_settings(paths, {"credly": CONNECTION}).connection("credly"), clock))
        return made[-1]

    yield make
    for client in made:
        client.close()


@pytest.fixture
def client(connect: Connect) -> Credly:
    return connect()


@pytest.fixture
def template_id(box: Sandbox) -> str:
    """An ordinary template without badges."""
    return list(box.credly.templates)[1]
