"""Fixtures for plants and their registry."""

from tests.queries import count_queries

__all__ = ["count_queries"]
