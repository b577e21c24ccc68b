"""What is told to the person at the terminal when we cannot go on."""

from __future__ import annotations


class StartError(RuntimeError):
    """Something that keeps us from starting, told in one Chinese sentence."""
