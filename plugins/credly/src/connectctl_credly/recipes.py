"""The 35 recipes of Docebo Connect for Credly: exact names, and which calls which (recipes.md 2.4 and 2.5)."""

from __future__ import annotations

TITLES = {
    # Utility
    "find-field": "Retrieve course additional field from Docebo LMS",
    "check-master": "Integration master flow check",
    # Badge templates
    "run-sync-field": "Schedule/Manually run Credly lookup table to Docebo LMS sync",
    "sync-template": "Synchronisation of Credly Badge templates to Docebo LMS - Real Time",
    "notify-deletions": "Entries deletion and mapping deactivation notice",
    "sync-templates": "Synchronisation from Credly to Lookup table",
    "sync-field": "Synchronisation from Credly Lookup table to Docebo LMS",
    # Docebo to Credly
    "dispatch-docebo": "Event Dispatcher - Docebo to Credly",
    "batch-sync": "Batch Sync - Docebo to Credly",
    "assign-course": "Assign Credly badge for Course Additional Field element",
    "assign-plans": "Assign Credly badges for Learning Plans",
    "read-awards": "Retrieve Certification Awards",
    "list-plans": "Retrieve Learning Plan from Course",
    "filter-plans": "Filter learning plans retrieved from course",
    "list-completions": "Retrieve enrolled users by course ID",
    "assign-users": "Assign Credly badge to users",
    "filter-unassigned": "Filter unassigned badge templates",
    "match-plans": "Retrieve Credly batch template ids for user completed LPs",
    "process-awards": "Process certifications",
    "issue-credential": "Issue Badge in Credly",
    "revoke-credential": "Revoke badge in Credly",
    "replace-credential": "Replace badge in Credly",
    # Credly to Docebo
    "dispatch-provider": "Event Dispatcher - Credly to Docebo",
    "batch-sync-inwards": "Batch Sync - Credly to Docebo",
    "read-settings": "Retrieve lookup table values",
    "read-credentials": "Credly badge retrieval",
    "import-credential": "Process Credly events",
    "find-user": "Retrieve user details from Docebo LMS using user mail id",
    "check-origin": "Check if badge not issued through Docebo to Credly Sync",
    "import-training": "Create/Update/Delete external training for user",
    "delete-training": "Delete External Training assigned to user",
    "update-training": "Update External Training assigned to User",
    "import-award": "Create/Update/Delete Certifications for user",
    "find-award": "Check certifications awards existence",
    "process-event": "Process badge created/updated events",
}

CALLS = {
    "run-sync-field": ("sync-field",),
    "sync-template": ("sync-field", "notify-deletions"),
    "sync-field": ("find-field",),
    "dispatch-docebo": ("read-settings", "check-master", "assign-course", "assign-plans", "process-awards"),
    "batch-sync": ("read-settings", "check-master", "assign-course", "assign-plans", "read-awards"),
    "assign-course": ("find-field", "list-completions", "assign-users"),
    "assign-plans": ("list-plans", "filter-plans", "list-completions", "assign-users"),
    "read-awards": ("process-awards",),
    "assign-users": ("match-plans", "filter-unassigned", "issue-credential"),
    "process-awards": ("filter-unassigned", "issue-credential", "replace-credential", "revoke-credential"),
    "dispatch-provider": ("read-settings", "check-master", "process-event", "sync-template"),
    "batch-sync-inwards": ("read-settings", "check-master", "read-credentials"),
    "read-credentials": ("import-credential",),
    "import-credential": ("find-user", "check-origin", "import-training", "import-award"),
    "import-training": ("delete-training", "update-training"),
    "update-training": ("delete-training",),
    "import-award": ("find-award",),
    "process-event": ("import-credential",),
}
