"""What the environment gives: a variable, or the content of the file that NAME_FILE names (Docker's and systemd's way)."""

from __future__ import annotations

import os
from pathlib import Path

BY_FILE = ("SECRET_KEY", "DATABASE_URL", "REDIS_URL", "METRICS_TOKEN")


def given(name: str) -> str:
    """Its value, '' where nothing is given. The variable counts where both are; a file that cannot be read is an error."""
    value = os.environ.get(name, "")
    file = os.environ.get(f"{name}_FILE", "") if name in BY_FILE else ""
    if value or not file:
        return value
    try:
        return Path(file).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise RuntimeError(f"{name}_FILE: {file} 读不出来（{type(error).__name__}），请核对路径和权限。") from None
