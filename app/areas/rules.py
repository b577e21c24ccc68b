"""What 区 and 册 are called."""

from __future__ import annotations


def full_name(district: str, name: str) -> str:
    """'东街一册' for 东街 with 一册, and also for 东街 with 东街一册."""
    return name if name.startswith(district) else district + name
