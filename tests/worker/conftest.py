"""Nights concern every plant of a database, so their tests have one of their own: plants of other tests sleep on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from embedded.postgres import Postgres
from embedded.redis import Redis
from tests import conftest as common


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[Postgres, Redis]]:
    """PostgreSQL and Redis for one file."""
    yield from common.run_servers()


@pytest.fixture(scope="module")
def app(servers: tuple[Postgres, Redis]) -> Iterator[Flask]:
    """The app on them."""
    yield from common.make_app(*servers)
