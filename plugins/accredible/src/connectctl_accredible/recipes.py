"""The 30 recipes of Docebo Connect for Accredible: exact names, and which calls which (recipes.md 3.4 and 3.5)."""

from __future__ import annotations

TITLES = {
    # Utility
    "find-field": "Retrieve course additional field from Docebo LMS",
    "check-master": "Integration master flow check",
    # Credential groups
    "sync-templates": "Synchronisation from Accredible to Lookup table",
    "sync-field": "Synchronisation from Accredible Lookup table to Docebo LMS",
    "run-sync-field": "Schedule/Manually run Accredible lookup table to Docebo LMS sync",
    "notify-deletions": "Entries deletion and mapping deactivation notice",
    # Docebo to Accredible
    "dispatch-docebo": "Event Dispatcher - Docebo to Accredible",
    "batch-sync": "Batch Sync - Docebo to Accredible",
    "issue-credential": "Create/Update credentials in Accredible",
    "assign-course": "Assign Accredible credential for Course Additional Field element",
    "assign-plans": "Assign Accredible credentials for Learning Plans",
    "read-awards": "Retrieve Certification Awards",
    "list-completions": "Retrieve enrolled users by course ID",
    "list-plans": "Retrieve Learning Plan from Course",
    "filter-plans": "Filter learning plans retrieved from course",
    "assign-users": "Assign Accredible credentials to users",
    "match-plans": "Retrieve Accredible groups ids for user completed LPs",
    "filter-unassigned": "Filter unassigned credentials",
    "process-awards": "Process Certifications",
    # Accredible to Docebo
    "dispatch-provider": "Event Dispatcher - Accredible to Docebo",
    "batch-sync-inwards": "Batch Sync - Accredible to Docebo",
    "import-flow": "Process Accredible to Docebo flow",
    "read-settings": "Retrieve lookup table values",
    "read-credentials": "Retrieve Credentials from Accredible",
    "import-credential": "Process credentials",
    "find-user": "Retrieve user details from Docebo LMS using user mail id",
    "check-origin": "Check if credential not issued through Docebo to Accredible Sync",
    "import-training": "Create/Update external training for user",
    "import-award": "Create/Update Certifications for user",
    "find-award": "Check certification awards existence",
    # The same recipe under another verb of the kit: the first verb of a title is the flow, these are steps of it. What
    # ends a credential has no recipe of its own: it is the work of process-awards (AC-74).
    "replace-credential": "Create/Update credentials in Accredible",
}

CALLS = {
    "sync-templates": ("notify-deletions", "sync-field"),
    "sync-field": ("find-field",),
    "run-sync-field": ("sync-field",),
    "dispatch-docebo": ("read-settings", "check-master", "assign-course", "assign-plans", "process-awards"),
    "batch-sync": ("read-settings", "check-master", "assign-course", "assign-plans", "read-awards"),
    "assign-course": ("find-field", "list-completions", "assign-users"),
    "assign-plans": ("list-plans", "filter-plans", "list-completions", "assign-users"),
    "read-awards": ("process-awards",),
    "assign-users": ("match-plans", "filter-unassigned", "issue-credential"),
    "process-awards": ("filter-unassigned", "issue-credential"),
    "dispatch-provider": ("read-settings", "check-master", "import-flow"),
    "batch-sync-inwards": ("read-settings", "check-master", "import-flow"),
    "import-flow": ("read-credentials",),
    "read-credentials": ("import-credential",),
    "import-credential": ("find-user", "check-origin", "import-training", "import-award"),
    "import-award": ("find-award",),
}

# The order in which the recipes are started (AC-05 to AC-07): first what fills the table and the dropdown, then the
# inward schedule, last the dispatcher whose address goes into Docebo's webhook. The batches are never started.
START_ORDER = ("sync-templates", "sync-field", "run-sync-field", "dispatch-provider", "dispatch-docebo")
