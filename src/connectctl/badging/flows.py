"""The flows that the kit makes for a badge provider."""

from __future__ import annotations

from functools import partial

from connectctl.plugins.specs import FlowSpec, ProviderSpec

OUTWARD_PARAMS = (
    *("since", "course", "plan", "certification", "template", "user"),
    *("event", "all_history", "full", "reissue"),
)


def provider_flows(spec: ProviderSpec) -> tuple[FlowSpec, ...]:
    """sync-templates, sync-field and batch-sync of one provider, under the exact titles of its recipes."""
    from connectctl.badging import field, inward, issuing, outward, outward_plan, templates

    name, noun = spec.name, spec.noun
    return (
        FlowSpec(
            name=f"{name}.sync-templates",
            title=spec.titles["sync-templates"],
            summary=f"{spec.title} {noun}s into the table {spec.template_table.title}",
            policy="start",
            trigger="daily 02:00 America/Los_Angeles",
            read=partial(templates.read, spec),
            plan=templates.plan,
            integration=spec.integration,
            uses=(spec.connection,),
            writes=(f"table {spec.template_table.title}", f"table {spec.mapping_table.title} (IsActive only)"),
        ),
        FlowSpec(
            name=f"{name}.sync-field",
            title=spec.titles["sync-field"],
            summary=f"Table {spec.template_table.title} into the Docebo course dropdown",
            policy="start",
            trigger="every 5 minutes",
            read=partial(field.read, spec),
            plan=field.plan,
            apply=field.apply,
            look=field.look,
            integration=spec.integration,
            uses=("docebo",),
            applies_to="docebo",
            calls=spec.callees("sync-field"),
            writes=("the Docebo course additional field", f"table {spec.template_table.title} (Dropdown Element ID)"),
            settings=("COURSE_ADDITIONAL_FIELD",),
            batch=1000,  # one request changes all elements; never two at a time (docebo.md 4.4)
            requests=2,  # the field is read again after the change
            parallel=False,
        ),
        FlowSpec(
            name=f"{name}.batch-sync",
            title=spec.titles["batch-sync"],
            summary=f"Completed courses and learning plans, and certifications, in Docebo become {spec.title} credentials",
            policy="manual",
            trigger="by hand",
            prepare=partial(outward.prepare, spec),
            parts=outward.parts,
            read=outward.read,
            plan=outward_plan.plan,
            apply=issuing.apply,
            look=partial(issuing.look, spec),
            integration=spec.integration,
            uses=("docebo", spec.connection),
            applies_to=spec.connection,
            calls=spec.callees("batch-sync"),
            writes=(f"{spec.title} credentials",),
            settings=tuple(setting.name for setting in spec.settings),
            params=OUTWARD_PARAMS,
            batch=spec.capabilities.batch,
        ),
        inward.flow(spec),
    )
