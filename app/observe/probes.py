"""Connections for looking at the servers: apart from the pools, each answer bounded, so that a hung server cannot hang us."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from flask import Flask, current_app
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from sqlalchemy import Connection, Engine, NullPool, create_engine, text

SECONDS = 2


@dataclass(frozen=True, slots=True)
class Probes:
    """One of each server."""

    engine: Engine
    redis: Redis


def init(app: Flask) -> None:
    """Make them; nothing is connected yet."""
    engine = create_engine(
        app.config["DATABASE_URL"],
        poolclass=NullPool,
        hide_parameters=True,
        connect_args={"connect_timeout": SECONDS, "prepare_threshold": None},
    )
    client = Redis.from_url(
        app.config["REDIS_URL"],
        socket_timeout=SECONDS,
        socket_connect_timeout=SECONDS,
        retry=Retry(NoBackoff(), 0),
    )
    app.extensions["probes"] = Probes(engine, client)


def redis() -> Redis:
    """The task queue's Redis; raises RedisError after `SECONDS`."""
    probes: Probes = current_app.extensions["probes"]
    return probes.redis


@contextmanager
def database() -> Iterator[Connection]:
    """One transaction on a connection of its own; raises SQLAlchemyError where an answer takes longer than `SECONDS`."""
    probes: Probes = current_app.extensions["probes"]
    with probes.engine.begin() as connection:
        connection.execute(text(f"SET LOCAL statement_timeout = '{SECONDS}s'"))
        yield connection
