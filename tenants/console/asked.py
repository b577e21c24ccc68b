"""What an address of the console asks for, whatever somebody types there."""

from __future__ import annotations

from flask import request


def words(key: str = "q", longest: int = 100) -> str:
    """A search, without what cannot be seen."""
    return "".join(c for c in request.args.get(key, "") if c.isprintable()).strip()[:longest]


def page() -> int:
    """The page, from 1."""
    said = request.args.get("page", "")
    return max(1, int(said)) if said.isascii() and said.isdigit() and len(said) < 7 else 1


def pages(count: int, size: int) -> int:
    """How many pages so many rows fill."""
    return max(1, -(-count // size))
