"""The tariff files that a plant may start with, as its operator ticks them on opening it."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from app.tariffs.document import read_json

FOLDER = Path(__file__).parent


@cache
def titles() -> dict[str, str]:
    """File name without its ending → what the box says: '居民一户一表（居民生活用水）'."""
    files = {file.stem: read_json(file) for file in sorted(FOLDER.glob("*.json"))}
    return {key: f"{document['name']}（{document['use_category']}）" for key, document in files.items()}


def document(key: str) -> Any:
    """The tariff file behind a box, as a JSON document that the caller may change. KeyError where there is none."""
    if key not in titles():
        raise KeyError(key)
    return read_json(FOLDER / f"{key}.json")
