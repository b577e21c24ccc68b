"""Fixtures of the tests of payments."""

from __future__ import annotations

from tests.queries import count_queries

__all__ = ["count_queries"]
