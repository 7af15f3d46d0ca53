"""Flows: parts, read, plan, apply, commit; the ledger that knows first; run records and plan files."""
