"""Accredible credentials for Docebo completions."""
