"""`python -m embedded.check_copy FOLDER`: whether a base copy is what the server sent, by the SHA-256 of its manifest.

pg_verifybackup does this, but the one in the wheel of PostgreSQL 18 dies of a segmentation fault.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path


def differences(copy: Path) -> list[str]:
    """Files that are missing or not as the server sent them. Its WAL is checked by PostgreSQL when it is read."""
    files = json.loads((copy / "backup_manifest").read_bytes())["Files"]
    return [entry["Path"] for entry in files if _sum(copy / entry["Path"]) != entry["Checksum"]]


def _sum(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return None


if __name__ == "__main__":
    wrong = differences(Path(sys.argv[1]))
    sys.exit(f"备份的副本不对：{'、'.join(wrong[:5])}" if wrong else 0)
