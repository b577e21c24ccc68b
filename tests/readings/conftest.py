"""Fixtures of the tests of readings."""

from __future__ import annotations

from tests.queries import count_queries

__all__ = ["count_queries"]
