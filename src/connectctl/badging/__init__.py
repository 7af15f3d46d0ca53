"""The badging kit: turns a badge provider's thin client into a complete integration (architecture 6)."""
