"""The parts of an import: one per template that becomes training, one per certification (CR-41, CR-73, CR-75). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from connectctl.badging.inward_window import InwardWindow
from connectctl.badging.mapped import Mapped
from connectctl.badging.scope import Scope


@dataclass(frozen=True, slots=True)
class Source:
    """One part and the templates it is about. `reason`: why nothing comes of their credentials."""

    part: str
    kind: Literal["training", "award"]
    templates: tuple[str, ...]
    code: str = ""
    name: str = ""
    reason: str | None = None
    readable: bool = True  # whether credentials are read for it, if only to say why each of them is left out


def sources(
    rows: Mapping[str, Mapped],
    window: InwardWindow,
    scope: Scope,
    *,
    outwards_only: bool = False,
    everything: bool = False,
) -> dict[str, Source]:
    """By part, in order: templates first. `outwards_only`: the master setting says so, and means training too where it
    covers `everything` (CR-75).
    """
    templates = [t for t in sorted({*rows, *window.templates}) if not window.templates or t in window.templates]
    found: list[Source] = []
    for template in templates if scope.has("training") and not window.certifications else ():
        row = rows.get(template) or Mapped(template)
        reason = row.reason("training")
        # A template that is not mapped is nobody's part, unless somebody asks about it.
        if reason is None or (reason and window.templates and (row.reason("award") or not scope.has("award"))):
            master = "master_direction" if outwards_only and everything and reason is None else reason
            part = f"template:{template}"
            found.append(Source(part, "training", (template,), "", row.name, master, master != "master_direction"))
    codes = {code for template in templates if template in rows for code in rows[template].codes}
    for code in sorted(codes | set(window.certifications)) if scope.has("award") else ():
        if window.certifications and code not in window.certifications:
            continue
        if code not in codes:  # somebody asks about it
            found.append(Source(f"certification:{code}", "award", (), code, code, "mapping_missing", False))
            continue
        # All templates of a code, also where one is named: the latest of all credentials decides.
        together = tuple(sorted(t for t, row in rows.items() if code in row.codes))
        master = "master_direction" if outwards_only else None
        found.append(Source(f"certification:{code}", "award", together, code, code, master, master is None))
    return {source.part: source for source in found}
