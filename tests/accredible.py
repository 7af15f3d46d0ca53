"""A home and a sandbox ready for `accredible batch-sync`, for the tests that run the whole product."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.worlds import Key, World

from connectctl_sandbox import Sandbox

SETTINGS = {
    "COURSE_ADDITIONAL_FIELD": "Accredible group",
    "DOCEBO_TO_ACCREDIBLE_BATCH_SYNC_START_DATE": "2026-01-01",
    "ACCREDIBLE_TO_DOCEBO_BATCH_SYNC_START_DATE": "2026-01-01",
    "EXTERNAL_TRAINING_INSTITUTE_NAME": "Accredible",
}
BULK = r"/v2/credentials/bulk_create$"
SINGLE = r"/v1/credentials$"


@dataclass(frozen=True, slots=True)
class AccredibleWorld(World):
    """A world whose courses have the dropdown elements of Accredible's groups."""

    def held(self) -> Counter[Key]:
        """How many credentials of ours each learner has of each group, by group and Docebo user."""
        made = self.box.accredible.credentials.values()
        return Counter((str(one.group_id), str(one.recipient_id)) for one in made if one.license_id)

    def of(self, group: str, user: object) -> list[Any]:
        """The learner's credentials of a group that we made, oldest first."""
        made = self.box.accredible.in_group(int(group))
        return [one for one in made if one.recipient_id == str(user)]

    def sync(self, *args: str) -> dict[str, Any]:
        """The object of an outward run that has to succeed."""
        code, report = self.report("accredible", "batch-sync", *args)
        assert code == 0, report
        return report

    def set(self, name: str, value: str) -> None:
        """Sets a row of integration-settings."""
        code, _, err = self.run("lookup", "set", "integration-settings", "ACCREDIBLE", name, f"Value={value}")
        assert code == 0, err

    def map(self, group: str, *, plan: str = "-", code: str = "-", **cells: str) -> None:
        """Sets a row of the mapping table."""
        words = [f"{name}={value}" for name, value in ({"IsActive": "true"} | cells).items()]
        got, _, err = self.run("lookup", "set", "accredible-integration-mappings", group, plan, code, *words)
        assert got == 0, err


def make_accredible(box: Sandbox, home: Path, *, search_lag: int = 1, published: bool = True) -> AccredibleWorld:
    """Fills tables and dropdown by the product's own commands, then asks a dry run what is to come.

    `published`: the group that has no design gets one.
    """
    home.mkdir(parents=True, exist_ok=True)
    config = home / "config.toml"
    config.touch(0o600)
    text = box.config_toml().replace("[connections.accredible]", f"[connections.accredible]\nsearch_lag = {search_lag}")
    config.write_text(text)
    if published:
        for group in list(box.accredible.groups.values()):
            box.accredible.update_group(group.id, certificate_design_id=31)
    world = AccredibleWorld(box, home, frozenset())
    for name, value in SETTINGS.items():
        world.set(name, value)
    for command in ("sync-groups", "sync-field"):
        code, _, err = world.run("accredible", command)
        assert code == 0, err
    box.select_groups()
    planned = world.sync("--dry-run")
    expected = frozenset((item["template"], item["user"]) for item in planned["items"])
    assert len(expected) == planned["planned"].get("issue", 0)
    return AccredibleWorld(box, home, expected)
