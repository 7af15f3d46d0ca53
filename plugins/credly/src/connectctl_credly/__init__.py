"""Credly badges for Docebo completions."""
