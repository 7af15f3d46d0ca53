"""The Docebo API: one module per area, paths that can be overridden, answers read with suspicion."""
