"""What plugins declare: frozen records, no code run, targets resolved on use."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Target = str | Callable[..., Any]
"""The object itself, or "module:attr", imported when it is used."""

ColumnType = Literal["text", "boolean", "integer", "date"]

TABLE_NAME = re.compile(r"[a-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class Alias:
    """Says that a setting is another spelling of the setting `of`: which of its values means which of the other's."""

    of: str
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SettingSpec:
    """One setting: of a connection (config.toml) or of an integration (table integration-settings).

    `kind`: text, boolean (the words true and false, GN-09), date (GN-10), integer, email, choice, url, rate, age
    (days as 30d, or forever).
    `secret`: shown as ***, read from a prompt, kept as a reference. `required`: of an integration, `lookup check`
    reports it while it is blank. `explain` maps a valid value (or None for blank) to its effect in plain words, for
    `lookup explain`. `example` is a value that `init` or the fix of a finding may propose. `advised`: the row should be
    there even though it has a default, because people mistake what the default does.
    """

    name: str
    summary: str
    kind: str = "text"
    default: Any = None
    choices: tuple[str, ...] = ()
    minimum: int | None = None
    maximum: int | None = None
    required: bool = False
    secret: bool = False
    explain: Callable[[str | None], str] | None = None
    example: str = ""
    advised: bool = False
    alias: Alias | None = None


@dataclass(frozen=True, slots=True)
class ConnectionSpec:
    """Configured access to one remote system; `client` is called with a `ConnectionSettings` and the run's
    `Clock`, and returns its client, which has `calls` and `close()`.

    Every connection also takes `rate`, `threads`, `timeout` and `per_hour`; the defaults of the first two are here.
    `test` (client -> str) makes the cheapest authenticated call and says who we are there.
    """

    kind: str
    summary: str
    settings: tuple[SettingSpec, ...]
    client: Target
    test: Target | None = None
    rate: str = "none"
    threads: int = 4


@dataclass(frozen=True, slots=True)
class Reference:
    """Says that a column's cells name rows of another table, by its column `column`.

    `label` names two columns that should agree, the one here and the one there; the reference wins (CR-17).
    """

    table: str
    column: str
    label: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class ColumnSpec:
    """One column of a lookup table. A blank cell is None; `required` refuses it.

    The rest is for `lookup check` and `lookup explain`. `unique`: no two rows in use should have the same text there,
    capitals and spaces aside. `fill` is the connectctl command that fills the cell; a row in use should have one then.
    `remote` says what the cells name at a remote, such as "docebo-learning-plan": a `CheckSpec` looks them up.
    """

    name: str
    type: ColumnType = "text"
    required: bool = False
    summary: str = ""
    filled_by: str = ""  # else as the table's
    refers_to: Reference | None = None
    unique: bool = False
    fill: str = ""
    remote: str = ""


@dataclass(frozen=True, slots=True)
class TableSpec:
    """A lookup table. `title` is the name users know; `name` the same in kebab case; `key` columns are unique together
    (blanks count as equal). `filled_by` is a flow's title, or "the administrator". `editable`: people may change rows.

    For `lookup check`: `active` is the boolean column that says whether a row is in use; without it all are. `maps`
    are the columns that give a row its effect: one with all of them blank or false does nothing. `fill` is the
    connectctl command that fills the table.
    """

    name: str
    title: str
    columns: tuple[ColumnSpec, ...]
    key: tuple[str, ...]
    summary: str = ""
    filled_by: str = "the administrator"
    editable: bool = True
    indexes: tuple[str, ...] = ()
    active: str = ""
    maps: tuple[str, ...] = ()
    fill: str = ""


@dataclass(frozen=True, slots=True)
class FlowSpec:
    """A named read + plan + apply.

    `parts(ctx) -> Iterable[Part]` names the units (one unnamed part when absent); `read(ctx, part) -> view`;
    `plan(view) -> Plan` is pure; `apply(changes, ctx) -> list[Outcome]` makes up to `batch` remote effects, one
    outcome per change in order, or in its place the error that is this change's alone; `look(change, ctx) -> Look`
    reads the remote for a change whose answer was lost and has to be there when `apply` sends requests that must not be
    repeated blindly. `parallel=False` applies one after
    the other.
    `prepare(ctx)` runs before the parts (checks settings, reads what all parts share; its result is `ctx.shared`).
    `title` is the recipe's exact name; `recipe` its number; `calls` the titles it calls. `integration` is the one whose
    NOTIFICATION_MAIL_ID hears of failed runs (GN-18); the kit's flows have that of their provider.
    `params` are the inputs and `gives` the outputs (GN-01), `types` and the values of `gives` say what each is; a run
    without one of `needs` is refused, and `preset` is part of what every run gets. `function` is the code that does the
    flow's own work, for `flow show`.
    `recovers` are other flows that make the same changes: what their dead runs left of `actions`, those that `look`
    understands, is settled before anything is planned, as what this flow's own left (GN-21).
    `by_choice`: `flow start` with the plugin's name leaves it stopped (CR-81). `after`: the flows that have to have
    finished once before it may be started (CR-04).
    """

    name: str
    summary: str
    read: Target
    plan: Target
    apply: Target | None = None
    look: Target | None = None
    parts: Target | None = None
    prepare: Target | None = None
    uses: tuple[str, ...] = ()
    title: str = ""
    recipe: str = ""
    policy: Literal["start", "function", "manual"] = "start"
    trigger: str = ""
    calls: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()  # in words: what it changes, for `flow show`
    settings: tuple[str, ...] = ()
    params: tuple[str, ...] = ()  # what `flow run --param` may name; a name given twice arrives as a list
    applies_to: str = ""  # the connection whose threads and rate `apply` works under
    batch: int = 1
    requests: int = 1  # that one call of `apply` sends, for the prediction in the plan
    alone: Mapping[str, int] = field(default_factory=dict)  # by action, of changes that `apply` sends one by one
    parallel: bool = True
    integration: str = ""
    types: Mapping[str, str] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    preset: Mapping[str, str] = field(default_factory=dict)
    gives: Mapping[str, str] = field(default_factory=dict)
    function: str = ""
    by_choice: bool = False
    after: tuple[str, ...] = ()
    recovers: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CommandSpec:
    """A click command or group that the plugin adds at the top level of connectctl."""

    name: str
    summary: str
    target: Target


@dataclass(frozen=True, slots=True)
class CheckSpec:
    """A question that `lookup check` asks of a remote; `target(ctx)` gets a `CheckContext` and returns findings.

    It is asked when all connections in `uses` are configured and one of its tables is in question: those that it
    names, else those with a column whose `remote` it knows, else any. It reads whole pages, never one row at a time,
    changes nothing, and may raise the errors of its clients: they become one finding.
    """

    name: str
    summary: str
    target: Target
    uses: tuple[str, ...] = ()
    remote: str = ""
    tables: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong. `fix` are the words after `connectctl` of a command that mends it, or leads there.

    `table` is a lookup table's name, `row` the row's number there and `key` its key; each blank where it has none.
    An error stops or falsifies a run; a warning is worth a look.
    """

    severity: Literal["error", "warning"]
    message: str
    fix: tuple[str, ...]
    table: str = ""
    row: int | None = None
    key: tuple[str, ...] = ()
    column: str = ""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a badge provider can do, as data (architecture 6)."""

    can_revoke: bool = False
    can_replace: bool = False
    has_webhooks: bool = False
    has_feed: bool = False  # `feed` lists what has changed; without it every run reads everything
    batch: int = 1  # credentials that one call of `issue_many` makes; 1: there is only `issue`
    change_requests: int = 1  # that one replacement or revocation sends
    in_place: bool = False  # `replace` changes the credential itself, also one that has ended: its id stays
    expires: bool = False  # `revoke` lets the credential expire
    own_ids: bool = False  # each of ours bears its mark as an id: taken once, found at once, and ours by that alone
    expiry_from_issue: bool = False  # the default expiry is counted from the day of issue, not from the run's
    whole_days: bool = False  # expiries are days without a time
    updates_in_real_time: bool = True  # an event that an award was updated may change its credential
    revokes_inwards: bool = True  # what ends there ends in Docebo; else nothing is ever deleted or revoked there
    lists_partly: bool = False  # lists leave out what an import needs: the client has `credential`, to read one alone

    @property
    def replacing(self) -> str:
        """What a change is called that renews a credential."""
        return "update" if self.in_place else "replace"

    @property
    def revoking(self) -> str:
        """What a change is called that ends a credential."""
        return "expire" if self.expires else "revoke"

    def named(self, actions: Collection[str] | None) -> frozenset[str] | None:
        """Actions in the kit's words (issue, replace, revoke …) in those of this provider; None stays None."""
        own = {"replace": self.replacing, "revoke": self.revoking}
        return None if actions is None else frozenset(own.get(action, action) for action in actions)


@dataclass(frozen=True, slots=True)
class ProviderSpec:
    """A badge provider and what tells it from the others. The kit makes the flows.

    `connection` is the kind whose client is a `badging.provider.Provider`.

    `integration` is its name in integration-settings; `keys` maps what the kit wants to know (start, field,
    expiration_days, evidence_title) to the keys of `settings`; `noun` what it calls a template in messages;
    `titles` maps the verbs of the kit's recipes (badging/recipes.py) to the recipes' exact names; a flow's id is the
    provider's name with the verb. `calls` says which of them call which, by verb; a verb without a title is none of
    this provider's recipes. `start_order` are the verbs that `flow start` with the provider's name goes through
    (CR-05).
    The tables' columns stand in the order of CR-14 and CR-15, whatever their names; with a `plan_field` among the
    keys the template table has a fifth, for the elements of the learning plans' dropdown (AC-69).
    """

    name: str
    title: str
    integration: str
    connection: str
    template_table: TableSpec
    mapping_table: TableSpec
    settings: tuple[SettingSpec, ...]
    keys: Mapping[str, str] = field(default_factory=dict)
    titles: Mapping[str, str] = field(default_factory=dict)
    calls: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    capabilities: Capabilities = Capabilities()
    noun: str = "template"
    start_order: tuple[str, ...] = ()

    def callees(self, verb: str) -> tuple[str, ...]:
        """The titles of the recipes that a recipe calls."""
        return tuple(self.titles[callee] for callee in self.calls.get(verb, ()))

    @property
    def element_table(self) -> TableSpec:
        """Which dropdown element belongs to which template: how an element is known as ours when its row is gone."""
        return self._elements("dropdown-elements", "Dropdown Elements", "dropdown")

    @property
    def plan_element_table(self) -> TableSpec:
        """The same for the dropdown of the learning plans, whose elements have ids of their own (AC-69)."""
        words = "Learning Plan Dropdown Elements"
        return self._elements("plan-dropdown-elements", words, "dropdown of the learning plans")

    def _elements(self, name: str, title: str, dropdown: str) -> TableSpec:
        return TableSpec(
            name=f"{self.name}-{name}",
            title=f"{self.title} {title}",
            columns=(
                ColumnSpec("Dropdown Element ID", summary="Docebo's id of the dropdown element"),
                ColumnSpec("Badge Template ID", summary=f"the {self.noun} it stands for"),
                ColumnSpec("Label", summary="its text as connectctl wrote it"),
            ),
            key=("Dropdown Element ID",),
            summary=f"The elements of the Docebo {dropdown} that connectctl made",
            filled_by=self.titles.get("sync-field", "the kit"),
            editable=False,
        )

    @property
    def tables(self) -> tuple[TableSpec, ...]:
        """All tables that come with the provider."""
        more = (self.plan_element_table,) if "plan_field" in self.keys else ()
        return (self.template_table, self.mapping_table, self.element_table, *more)
