"""Which share of a direction a recipe is responsible for: the batch does all of it, a function recipe one thing."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scope:
    """`kinds` of what is looked at: outwards course, plan and certification, inwards training and award. `actions` that
    may be planned. None: all.
    """

    kinds: frozenset[str] | None = None
    actions: frozenset[str] | None = None

    def has(self, kind: str) -> bool:
        """Whether this kind is looked at."""
        return self.kinds is None or kind in self.kinds

    def may(self, action: str) -> bool:
        """Whether a change of this action may be planned."""
        return self.actions is None or action in self.actions

    def __or__(self, other: Scope) -> Scope:
        """What either of the two is responsible for."""
        kinds = None if self.kinds is None or other.kinds is None else self.kinds | other.kinds
        actions = None if self.actions is None or other.actions is None else self.actions | other.actions
        return Scope(kinds, actions)


EVERYTHING = Scope()
