"""The restore drill: a copy of the whole server, every change since, and a server made of them as of a moment."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from embedded.check_copy import differences
from embedded.home import ROOT
from embedded.postgres import Postgres
from tests.processes import wait_until


@pytest.fixture
def folder() -> Iterator[Path]:
    """Where the servers' account can look in."""
    with tempfile.TemporaryDirectory(prefix="qingqu-drill-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def ask(server: Postgres, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(server.admin_url.replace("+psycopg", ""), autocommit=True) as connection:
        done = connection.execute(query)  # type: ignore[arg-type]
        return done.fetchall() if done.description else []


def environment(server: Postgres) -> dict[str, str]:
    url = make_url(server.admin_url)
    values = {"PGHOST": url.host, "PGPORT": str(url.port), "PGUSER": url.username, "PGPASSWORD": url.password}
    return os.environ | {key: str(value) for key, value in values.items()}


@contextmanager
def receiving(server: Postgres, backup: Path) -> Iterator[None]:
    """`bin/backup wal` runs."""
    with subprocess.Popen([ROOT / "bin/backup", "wal", backup], env=environment(server)) as receiver:
        try:
            yield
        finally:
            receiver.terminate()


def restored(folder: Path, original: Postgres, name: str, *moment: str) -> list[tuple[object, ...]]:
    """What the note says on a server that was made from the backup."""
    subprocess.run(
        [ROOT / "bin/backup", "restore", folder / "backup", folder / name, *moment],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    shutil.copy(original.data_dir.with_suffix(".json"), folder / f"{name}.json")
    server = Postgres(folder / name, fast=True)
    server.start()
    try:
        wait_until(lambda: ask(server, "SELECT pg_is_in_recovery()") == [(False,)], "recovery does not end")
        return ask(server, "SELECT said FROM note ORDER BY said")
    finally:
        server.stop()


def test_the_whole_server_comes_back_as_it_was_at_any_moment(folder: Path) -> None:
    server = Postgres(folder / "pg", fast=True)
    server.start()
    try:
        ask(server, "CREATE TABLE note (said text)")
        ask(server, "INSERT INTO note VALUES ('1 before the copy')")
        with receiving(server, folder / "backup"):
            base = [ROOT / "bin/backup", "base", folder / "backup"]
            for _ in range(2):
                subprocess.run(base, check=True, stdout=subprocess.DEVNULL, env=environment(server) | {"KEEP": "1"})
            [copy] = (folder / "backup/base").iterdir()
            assert differences(copy) == []
            ask(server, "INSERT INTO note VALUES ('2 after the copy')")
            ask(server, "SELECT pg_sleep(1.1)")  # the moment is given in whole seconds
            [(moment,)] = ask(server, "SELECT date_trunc('second', now())")
            assert isinstance(moment, datetime)
            ask(server, "INSERT INTO note VALUES ('3 after the moment')")
            [(written,)] = ask(server, "SELECT pg_current_wal_insert_lsn()")
            arrived = f"SELECT 1 FROM pg_stat_replication WHERE flush_lsn >= '{written}'"
            wait_until(lambda: ask(server, arrived) != [], "the change does not arrive")
    finally:
        server.stop()
    assert restored(folder, server, "then", moment.isoformat()) == [("1 before the copy",), ("2 after the copy",)]
    assert [row[0] for row in restored(folder, server, "now")][-1] == "3 after the moment"
    (copy / "PG_VERSION").write_text("17")
    (copy / "global/pg_control").unlink()
    assert differences(copy) == ["PG_VERSION", "global/pg_control"]
