"""Stands in for the Drive of a user who allows the access."""

from pathlib import Path


def mount(
    mountpoint: str,
    force_remount: bool = False,
    timeout_ms: int = 120_000,
    readonly: bool = False,
) -> None:
    """Make what a mounted Drive looks like."""
    Path(mountpoint, "MyDrive").mkdir(parents=True, exist_ok=True)
    print(f"Mounted at {mountpoint}")
