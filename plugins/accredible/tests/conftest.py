"""An Accredible client made from a real config file, against the sandbox or a fake platform over real HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from connectctl.config.paths import ProfilePaths
from connectctl.config.settings import load_settings
from connectctl.testing.clock import FakeClock
from connectctl.testing.fake_api import FakeAPI
from connectctl_accredible.client import Accredible, make_client
from connectctl_accredible.plugin import CONNECTION
from connectctl_sandbox import Sandbox

Connect = Callable[..., Accredible]


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox(seed=1) as box:
        yield box


@pytest.fixture
def clock(box: Sandbox) -> FakeClock:
    """As late as it is at the simulated Accredible."""
    return FakeClock(datetime.fromtimestamp(box.clock.now(), UTC))


@pytest.fixture
def connect(box: Sandbox, clock: FakeClock, tmp_path: Path) -> Iterator[Connect]:
    """Makes clients of the sandbox's account; `settings` replaces some values."""
    made: list[Accredible] = []

    def make(**settings: Any) -> Accredible:
        own = {"base_url": box.accredible_url, "api_key": box.accredible.key, "rate": "none"}
        file = tmp_path / "config.toml"
        lines = [f'{name} = "{value}"' for name, value in (own | settings).items() if value is not None]
        file.write_text("[connections.accredible]\n" + "\n".join(lines))
        file.chmod(0o600)
        paths = ProfilePaths("default", file, tmp_path, tmp_path, tmp_path)
        made.append(make_client(load_settings(paths, {"accredible": CONNECTION}).connection("accredible"), clock))
        return made[-1]

    yield make
    for client in made:
        client.close()


@pytest.fixture
def client(connect: Connect) -> Accredible:
    return connect()


@pytest.fixture
def group(box: Sandbox) -> str:
    """The id of a group with texts and a design, without credentials, that allows no duplicates."""
    return str(box.accredible.add_group("empty", course_name="Empty", course_description="Nobody has it.").id)


@pytest.fixture
def api() -> Iterator[FakeAPI]:
    with FakeAPI() as fake:
        yield fake


@pytest.fixture
def fake(api: FakeAPI, connect: Connect) -> Accredible:
    return connect(base_url=api.url, api_key="k" * 20)
