"""A real supervisor with its real PostgreSQL and Redis, killed the hard way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
import redis

from embedded.home import ROOT, Home, Register
from embedded.process import Identity, end_session, session_members, spawn, wait_until

# What bin/up is made of, less the web: the home taken, leftovers ended, the servers up, watched until asked to stop.
SUPERVISE = """
from pathlib import Path
import sys
from embedded.home import Home
from embedded.steps import Steps
from embedded.supervisor import Stopped, Supervisor, stop_on_signals

home = Home(Path(sys.argv[1]))
home.make()
assert home.acquire("up", 0)
stop_on_signals()
supervisor = Supervisor(home, 0, Steps())
try:
    print("left", supervisor.recover(), flush=True)
    supervisor.start_servers()
    home.announce("up", 0, ready=True)
    print("ready", flush=True)
    supervisor.watch()
except Stopped:
    pass
finally:
    supervisor.stop()
    home.release()
"""


class Running:
    """A supervisor in a process of its own."""

    def __init__(self, home: Home) -> None:
        self.home = home
        environment = {key: value for key, value in os.environ.items() if not key.endswith("_URL")}
        self.process = subprocess.Popen(
            [sys.executable, "-c", SUPERVISE, str(home.path)],
            env=environment | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self.process.stdout
        self.said = []
        for line in self.process.stdout:
            self.said.append(line.strip())
            if line == "ready\n":
                break
        assert self.said[-1:] == ["ready"], self.said
        self.children = Register(home).read()
        self.env = home.read_env()

    def query(self, statement: str) -> list[tuple[object, ...]]:
        url = self.env["DATABASE_URL"].replace("+psycopg", "")
        with psycopg.connect(url, autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def end(self, number: signal.Signals) -> None:
        self.process.send_signal(number)
        self.process.wait(40)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """One home for all these tests, one after the other: as a real one is started many times."""
    home = Home(tmp_path_factory.mktemp("home"))
    yield home
    for leader in Register(home).read().values():
        end_session(leader, seconds=0)


def descendants(pid: int) -> list[Identity]:
    """All processes below `pid`, at any depth."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    below = [identity for child in children for identity in descendants(int(child))]
    return [identity for child in children if (identity := Identity.of(int(child)))] + below


def test_a_killed_supervisor_leaves_no_process_and_the_next_start_has_all_data(home: Home) -> None:
    first = Running(home)
    first.query("CREATE TABLE kept AS SELECT 42 AS answer")
    with redis.Redis.from_url(first.env["REDIS_URL"]) as queue:
        queue.set("kept", "yes")
    time.sleep(1.1)  # Redis writes its journal to disk every second

    family = descendants(first.process.pid)
    first.end(signal.SIGKILL)

    assert len(family) > 5  # PostgreSQL's own helpers included
    assert wait_until(lambda: not any(process.alive() for process in family), 10)

    second = Running(home)
    assert second.query("SELECT answer FROM kept") == [(42,)]
    with redis.Redis.from_url(second.env["REDIS_URL"]) as queue:
        assert queue.get("kept") == b"yes"
    family = descendants(second.process.pid)
    second.end(signal.SIGTERM)
    assert not any(process.alive() for process in family)
    assert not (home.run / "env").exists()


def test_what_a_killed_supervisor_left_is_ended_by_the_next_start(home: Home) -> None:
    """Should the kernel's signal not have reached a child: it is known by its number and its start time."""
    home.make()
    stray = spawn(["sh", "-c", "sleep 300 & wait"], log=home.log / "stray.log")
    leader = Identity.of(stray.pid)
    assert leader
    Register(home).write({"worker": leader})
    assert wait_until(lambda: len(session_members(leader)) == 2, 5)

    second = Running(home)

    assert second.said[0] == "left ['worker']"
    stray.wait(5)
    assert session_members(leader) == []
    second.end(signal.SIGTERM)


def test_a_process_that_only_carries_an_old_number_is_left_alone(home: Home) -> None:
    home.make()
    other = spawn(["sleep", "300"], log=home.log / "other.log")
    leader = Identity.of(other.pid)
    assert leader
    Register(home).write({"worker": Identity(leader.pid, leader.started - 1)})

    second = Running(home)

    assert second.said[0] == "left []"
    assert leader.alive()
    second.end(signal.SIGTERM)
    other.kill()
    other.wait()


def test_a_server_that_dies_is_started_again_with_the_same_address(home: Home) -> None:
    running = Running(home)
    before = running.children["redis"]
    os.kill(before.pid, signal.SIGKILL)

    def answers() -> bool:
        with suppress(redis.RedisError), redis.Redis.from_url(running.env["REDIS_URL"]) as queue:
            return bool(queue.ping())
        return False

    assert wait_until(lambda: Register(home).read().get("redis", before) != before, 10)
    assert wait_until(answers, 5)
    running.end(signal.SIGTERM)


def test_only_one_may_hold_a_home(home: Home) -> None:
    running = Running(home)
    holder = home.holder()

    assert home.acquire("up", 0) is False
    assert holder
    assert holder.pid == running.process.pid
    assert holder.ready
    running.end(signal.SIGTERM)
    assert home.holder() is None


def test_secrets_are_for_the_owner_only(home: Home) -> None:
    running = Running(home)

    for secret in (home.path / "secret_key", home.path / "postgres.json", home.run / "env"):
        assert secret.stat().st_mode & 0o777 == 0o600, secret
    assert json.loads((home.path / "postgres.json").read_text()).keys() == {"postgres", "qingqu"}
    command_lines = [Path(f"/proc/{i.pid}/cmdline").read_text() for i in running.children.values()]
    passwords = [running.env[name].split("@")[0].rpartition(":")[2] for name in ("DATABASE_URL", "REDIS_URL")]
    assert not [line for line in command_lines for password in passwords if password in line]
    running.end(signal.SIGTERM)


def test_the_application_role_is_held_within_its_rights(home: Home) -> None:
    running = Running(home)

    assert running.query(
        "SELECT current_user::text, rolsuper, rolcreaterole FROM pg_roles WHERE rolname = current_user"
    ) == [("qingqu", False, True)]
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        running.query("SELECT set_config('role', 'postgres', true)")
    running.end(signal.SIGTERM)
