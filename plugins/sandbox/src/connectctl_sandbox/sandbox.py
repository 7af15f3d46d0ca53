"""The sandbox: the remotes, their servers, and what tests and people turn on them."""

from __future__ import annotations

import json
import threading
from collections import Counter
from dataclasses import asdict
from types import TracebackType
from typing import Any, Self

from .accredible import Accredible
from .accredible_http import AccredibleRemote
from .accredible_world import seed_accredible
from .clock import Clock, iso_time
from .control import Control
from .credly import Credly
from .credly_http import CredlyRemote
from .docebo import Docebo
from .docebo_http import DoceboRemote
from .exchange import Exchange, Remote
from .faults import Faults
from .ratelimit import RateLimits
from .requestlog import RequestLog
from .server import Server
from .world import Size, seed_world
from .world_achievements import LINK_FIELD, seed_achievements


class Sandbox:
    """Simulated Docebo, Credly and Accredible on loopback ports; a context manager, or `start()` and `stop()`.

    `search_lag`: simulated seconds until Credly's lists of badges show a write. `latency`: real seconds before each
    answer. `clock` stands still unless told otherwise. `port`: Docebo's port, Credly, the control address and
    Accredible take the next three; free ports without it. The same `seed` and `size` give the same world, ids included.
    """

    def __init__(
        self,
        seed: int = 1,
        size: Size = "small",
        search_lag: float = 0.0,
        clock: Clock | None = None,
        latency: float = 0.0,
        port: int | None = None,
    ) -> None:
        self.clock = clock or Clock()
        self.faults = Faults()
        self.limits = RateLimits()
        self.log = RequestLog()
        self.docebo = Docebo(self.clock, seed)
        self.credly = Credly(self.clock, seed)
        self.credly.flags.search_lag = search_lag
        self.intended = seed_world(self.docebo, self.credly, size, seed)
        """The template name that belongs on each seeded course, by course id."""
        self.accredible = Accredible(self.clock, seed)
        self.intended_groups = seed_accredible(self.accredible, self.docebo, self.intended, size, seed)
        """The internal name of Accredible's group that belongs on each seeded course, by course id."""
        self.suggested = seed_achievements(self.docebo, self.credly, size, seed)
        """The id of the template that fits each seeded certification, by its code: rows for the mapping table."""
        self._latency = latency
        self._port = port
        self._stopping = threading.Event()
        self._servers: tuple[Server, ...] = ()

    def start(self) -> Self:
        """Open the ports and serve; OSError when a port is taken."""
        if self._servers:
            raise RuntimeError("the sandbox is running already")
        self._stopping.clear()
        docebo = self._exchange(DoceboRemote(self.docebo, self._stopping.wait))
        credly = self._exchange(CredlyRemote(self.credly))
        accredible = self._exchange(AccredibleRemote(self.accredible))
        opened: list[Server] = []
        try:
            for number, reply in enumerate((docebo.reply, credly.reply, Control(self).reply, accredible.reply)):
                opened.append(Server(self._port + number if self._port else 0, reply))
        except OSError:
            for server in opened:
                server.server_close()
            raise
        self._servers = tuple(opened)
        for server in self._servers:
            server.start()
        return self

    def _exchange(self, remote: Remote) -> Exchange:
        return Exchange(
            remote,
            faults=self.faults,
            limits=self.limits,
            log=self.log,
            clock=self.clock,
            wait=self._stopping.wait,
            latency=self._latency,
        )

    def stop(self) -> None:
        """Close the ports and all connections. Raises what a handler raised: that is a bug of the sandbox."""
        failures = self._close()
        if failures:
            raise RuntimeError("the sandbox itself failed on a request") from failures[0]

    def _close(self) -> list[BaseException]:
        self._stopping.set()
        servers, self._servers = self._servers, ()
        for server in servers:
            server.stop()
        return [failure for server in servers for failure in server.failures]

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.stop()
        else:  # the error on its way out tells more
            self._close()

    @property
    def docebo_url(self) -> str:
        """The simulated Docebo's address, without a path."""
        return self._origin(0)

    @property
    def credly_url(self) -> str:
        """The simulated Credly's base address, which ends in /v1."""
        return f"{self._origin(1)}/v1"

    @property
    def control_url(self) -> str:
        """The address for faults, state, log, clock and selections."""
        return self._origin(2)

    @property
    def accredible_url(self) -> str:
        """The simulated Accredible's address, without a path: /v1 and /v2 are below it."""
        return self._origin(3)

    def _origin(self, number: int) -> str:
        if not self._servers:
            raise RuntimeError("the sandbox is not running")
        return self._servers[number].origin

    def select_templates(self) -> dict[int, int]:
        """Select on each seeded course the dropdown element of its intended template; option ids by course id.

        LookupError while the dropdown is missing one of them.
        """
        return self.docebo.select_by_label(self.intended)

    def select_groups(self) -> dict[int, int]:
        """Select on each seeded course the dropdown element of its intended Accredible group; option ids by course id.

        LookupError while the dropdown is missing one of them.
        """
        return self.docebo.select_by_label(self.intended_groups)

    def config_toml(self, accredible: bool | None = None) -> str:
        """The text of a connectctl config.toml that points here; it holds literal secrets, so the file must be 0600.

        `accredible`: whether it has that connection; without it when the plugin accredible is installed.
        """
        own = self.docebo.credentials
        sections = {
            "connections.docebo": {
                "base_url": self.docebo_url,
                "grant": "password",
                "client_id": own.client_id,
                "client_secret": own.client_secret,
                "username": own.username,
                "password": own.password,
                "rate": "none",
                "training_link_field": str(LINK_FIELD),
            },
            "connections.credly": {
                "base_url": self.credly_url,
                "organization_id": self.credly.organization_id,
                "token": self.credly.token,
                "rate": "none",
            },
        }
        if installed("accredible") if accredible is None else accredible:
            own_key = {"base_url": self.accredible_url, "api_key": self.accredible.key, "rate": "none"}
            sections["connections.accredible"] = own_key
        # A JSON string is a TOML string as long as it is ASCII, which json.dumps sees to.
        return "\n".join(
            f"[{section}]\n" + "".join(f"{name} = {json.dumps(value)}\n" for name, value in values.items())
            for section, values in sections.items()
        )

    def state(self) -> dict[str, Any]:
        """The state as plain data: addresses, counts, courses with their selection, templates with their badges."""
        docebo, credly = self.docebo, self.credly
        with docebo.lock:
            labels = {key: label for field in docebo.fields for key, label in docebo.labels(field).items()}
            courses = [
                {
                    "id": str(course.course_id),
                    "name": course.name,
                    "selected": next((labels[value] for value in course.values.values() if value in labels), None),
                    "intended": self.intended.get(course.course_id),
                }
                for course in docebo.courses.values()
            ]
            awards = Counter(one.certification_id for one in docebo.awards.values())
            about_docebo = {
                "url": self.docebo_url,
                "users": len(docebo.users),
                "courses": courses,
                "fields": [
                    {"id": str(field.field_id), "name": field.name, "options": len(field.options)}
                    for field in docebo.fields.values()
                ],
                "enrollments": dict(Counter(one.status for one in docebo.enrollments.values())),
                "certifications": [
                    {
                        "id": str(one.certification_id),
                        "code": one.code,
                        "title": one.title,
                        "awards": awards[one.certification_id],
                        "suggested_template": self.suggested.get(one.code),
                    }
                    for one in docebo.certifications.values()
                ],
                "trainings": len(docebo.trainings),
                "events": len(docebo.events),
            }
        with credly.lock:
            live = Counter(badge.template_id for badge in credly.live_badges())
            about_credly = {
                "url": self.credly_url,
                "organization_id": credly.organization_id,
                "templates": [
                    {"id": one.id, "name": one.name, "state": one.state, "live_badges": live[one.id]}
                    for one in credly.templates.values()
                ],
                "badges": dict(Counter(badge.state for badge in credly.badges.values())),
                "events": len(credly.events),
            }
        return {
            "docebo": about_docebo,
            "credly": about_credly,
            "accredible": self._about_accredible(),
            "clock": iso_time(self.clock.now()),
            "faults": [asdict(fault) for fault in self.faults.active()],
            "requests": dict(Counter(entry.remote for entry in self.log.entries)),
        }

    def _about_accredible(self) -> dict[str, Any]:
        accredible = self.accredible
        with accredible.lock:
            held = Counter(one.group_id for one in accredible.credentials.values())
            return {
                "url": self.accredible_url,
                "credits": accredible.credits,
                "groups": [
                    {"id": str(one.id), "name": one.name, "credentials": held[one.id]}
                    for one in accredible.groups.values()
                ],
                "credentials": len(accredible.credentials),
            }


def installed(plugin: str) -> bool:
    """Whether a connectctl plugin of that name is installed."""
    from importlib.metadata import entry_points

    return bool(entry_points(group="connectctl", name=plugin))
