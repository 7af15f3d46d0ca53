"""Where a profile lives, what it is set to, and its secrets."""
