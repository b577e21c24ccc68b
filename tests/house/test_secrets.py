"""Nothing secret lies in the repository, and nothing is installed that is not pinned by its content."""

from __future__ import annotations

import math
import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
# What keys and tokens look like, whoever issues them.
SHAPES = {
    "a private key": r"-----BEGIN [A-Z ]*PRIVATE KEY",
    "an address with a password": r"[a-z+]{3,}://[^\s/:@\"'<>{}$%]+:(?!password@)[^\s/@\"'<>{}$%]{3,}@",
    "a key of a cloud": r"\b(AKIA|ASIA|LTAI|AKID)[A-Za-z0-9]{12,}",
    "a token of a forge": r"\b(ghp|gho|ghs|glpat|xox[bap]|sk)[_-][A-Za-z0-9_-]{20,}",
    "a signed token": r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.",
}
NAMED = re.compile(r"(?i)(secret|passw(?:or)?d|token|api_?key)\w*[\"']?\s*[:=]\s*[\"']([^\"'{}$<>\s]{12,})[\"']")
RANDOM = 3.6  # bits a character: words of a language have less, keys more
# Files whose passwords open nothing: tests and benches make their own servers, the seeds are the demonstration's.
HARMLESS = ("tests/", "bench/", "seeds/", "docs/manual/")
SKIPPED = (".lock", "package-lock.json", "requirements.txt", "requirements-dev.txt", ".ttf", ".xlsx", ".png")


def tracked() -> list[str]:
    found = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False).stdout
    names = [name for name in found.split("\0") if name and "/vendor/" not in name and not name.endswith(SKIPPED)]
    if not names:
        pytest.skip("not a checkout of git")
    return names


def bits(text: str) -> float:
    """Shannon's entropy of a character."""
    return -sum(n / len(text) * math.log2(n / len(text)) for n in Counter(text).values())


def secrets_in(name: str, content: str) -> list[str]:
    found = [f"{name}: {what}" for what, shape in SHAPES.items() if re.search(shape, content)]
    return found + [f"{name}: {said[1]}" for said in NAMED.finditer(content) if bits(said[2]) > RANDOM]


def test_no_secret_is_kept_in_git() -> None:
    found: list[str] = []
    for name in tracked():
        file = ROOT / name
        if name.startswith(HARMLESS) or not file.is_file():
            continue
        found += secrets_in(name, file.read_text("utf-8", errors="replace"))
    assert found == []


def test_no_file_of_settings_is_kept_in_git() -> None:
    names = [Path(name).name for name in tracked()]
    assert [name for name in names if name.startswith(".env") or name.endswith((".pem", ".key", ".p12"))] == []


@pytest.mark.parametrize(
    "line",
    [
        'SECRET_KEY = "k3J9x0QmZt7Lw2VbYp8R"',
        "DATABASE_URL=postgresql://app:hunter2x@db/qingqu",
        "-----BEGIN RSA PRIVATE KEY-----",
        "AKIAIOSFODNN7EXAMPLE",
        "token: 'ghp_0123456789abcdefghij0123456789'",
    ],
)
def test_the_scan_finds_one(line: str) -> None:
    assert secrets_in("x", line)


@pytest.mark.parametrize("lock", ["requirements.txt", "requirements-dev.txt"])
def test_every_requirement_is_pinned_by_hash(lock: str) -> None:
    text = (ROOT / lock).read_text("utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    loose = [line[:60] for line in lines if "==" not in line or "--hash=sha256:" not in line]
    assert [line for line in loose if not line.startswith("-")] == []
    assert [line for line in lines if line.startswith(("-e", "git+", "http", "--index", "-i ", "--extra"))] == []
    assert len(lines) > 20


def test_what_is_asked_for_is_locked() -> None:
    for asked, lock in (("requirements.in", "requirements.txt"), ("requirements-dev.in", "requirements-dev.txt")):
        names = re.findall(r"^([A-Za-z0-9_.-]+)", (ROOT / asked).read_text("utf-8"), re.MULTILINE)
        locked = re.findall(r"^([A-Za-z0-9_.-]+)==", (ROOT / lock).read_text("utf-8"), re.MULTILINE)
        plain = {name.lower().replace("_", "-") for name in locked}
        assert {name.lower().replace("_", "-") for name in names if not name.startswith("-")} <= plain
