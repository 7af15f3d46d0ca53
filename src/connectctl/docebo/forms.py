"""How awards and trainings are written: names and values that no public document proves (docebo.md 7.5, 8.3)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from connectctl.docebo.parse import as_id
from connectctl.errors import SettingInvalid

if TYPE_CHECKING:
    from connectctl.config.settings import ConnectionSettings


@dataclass(frozen=True, slots=True)
class AwardForm:
    """What stands in `awarded_from` of an award of ours: its type, and the keys of source, link and external id."""

    type: str = "external_certification"
    source_key: str = "source"
    link_key: str = "external_url"
    external_id_key: str = "external_id"


@dataclass(frozen=True, slots=True)
class TrainingForm:
    """Where a training of ours keeps the badge's id and link: ids of additional fields, None for `course_code` and for
    no link. `score` None: none is sent.
    """

    id_field: str | None = None
    link_field: str | None = None
    score: int | None = None
    status: str = "approved"


def award_form(settings: ConnectionSettings) -> AwardForm:
    """The form that a connection asks for. Raises SettingInvalid when two of its keys are the same."""
    given = {name: settings.get(f"award_{name}") for name in ("type", "source_key", "link_key", "external_id_key")}
    form = AwardForm(**{name: value for name, value in given.items() if value})
    keys = ("type", form.source_key, form.link_key, form.external_id_key)
    if len(set(keys)) < len(keys):
        raise SettingInvalid(
            f"The keys of an award must differ, also from type: {', '.join(keys[1:])}.",
            hint=f"connectctl connection set {settings.kind} award_link_key",
        )
    return form


def training_form(settings: ConnectionSettings) -> TrainingForm:
    """The form that a connection asks for. Raises SettingInvalid for fields that are no ids, or one and the same."""
    fields = {name: settings.get(name) for name in ("training_id_field", "training_link_field")}
    for name, value in fields.items():
        if value is not None and as_id(value) is None:
            raise SettingInvalid(
                f"{name} of the connection {settings.kind} is not the id of an additional field: {value[:60]!r}.",
                hint=f"connectctl connection set {settings.kind} {name}",
            )
    id_field, link_field = fields.values()
    if id_field is not None and id_field == link_field:
        raise SettingInvalid(
            f"training_id_field and training_link_field of the connection {settings.kind} are the same field.",
            hint=f"connectctl connection set {settings.kind} training_link_field",
        )
    form = TrainingForm(id_field, link_field)
    score, status = settings.get("training_score"), settings.get("training_status")
    return replace(form, score=int(score) if score else None, status=status or form.status)
