"""Errors a person can act on, and how they are shown."""

from __future__ import annotations


class DomainError(Exception):
    """A rule said no. The message is one Chinese sentence that says what happened and what to do next."""

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
