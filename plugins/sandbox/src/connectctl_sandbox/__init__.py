"""Simulated Docebo, Credly and Accredible as real HTTP servers on loopback: the yardstick for client code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .clock import Clock
    from .faults import Fault
    from .ratelimit import RateLimit
    from .sandbox import Sandbox

# The servers are imported when asked for: the plugin's declarations live in this package and every command reads them.
_LATER = {"Clock": ".clock", "Fault": ".faults", "RateLimit": ".ratelimit", "Sandbox": ".sandbox"}

__all__ = ["Clock", "Fault", "RateLimit", "Sandbox"]


def __getattr__(name: str) -> Any:
    if name in _LATER:
        from importlib import import_module

        return getattr(import_module(_LATER[name], __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
