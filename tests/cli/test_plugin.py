import json
from collections.abc import Callable
from typing import Any

from .conftest import acme

Run = Callable[..., Any]


def test_plugins_with_their_contributions_and_faults(run: Run) -> None:
    def broken() -> Any:
        raise RuntimeError("no good\x1b[31m")

    plugins = {"acme": acme(), "bad": acme(register_connections=broken, register_tables=lambda: iter(()))}
    result = run("plugin", "list", "--json", plugins=plugins)
    rows = {row["name"]: row for row in json.loads(result.out)}
    assert list(rows) == ["connectctl", "acme", "bad"]
    assert (rows["connectctl"]["version"], rows["connectctl"]["distribution"]) == ("0.1.0", "connectctl")
    assert {"kind": "table", "name": "users"} in rows["acme"]["contributions"]
    assert rows["acme"]["state"] == "loaded"
    assert rows["bad"]["state"] == "faulty"
    assert rows["bad"]["faults"][0]["where"] == "register_connections"

    result = run("plugin", "list", plugins=plugins)
    assert result.code == 0
    assert "bad\t\tfaulty" in result.out
    assert result.err == "bad: register_connections: RuntimeError: no good\n"
