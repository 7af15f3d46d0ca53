"""Plugins: what they declare, how they are found, and who owns what."""
