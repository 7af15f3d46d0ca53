"""`connectctl demo`: the whole main job on this machine, told step by step."""

from __future__ import annotations

import click


@click.command()
def demo() -> None:
    """x"""
