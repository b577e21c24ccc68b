"""`bin/bench login`: does the time of a refused login tell whether the name exists?

Tries an unknown name and a known one with a wrong password in turn, with the whole request (captcha and all), and asks
a permutation test whether the two differ. Exit code 1 where they do (p < 0.01).
"""

from __future__ import annotations

import json
import random
import statistics
import sys

from flask import Flask
from flask.testing import FlaskClient

from app.extensions import redis
from bench.ground import ground, plant, seconds
from tenants.entry import captcha

TRIES = 200  # of each kind
SHUFFLES = 5_000
SIGNIFICANT = 0.01


def refused(client: FlaskClient, host: str, username: str) -> float:
    """Seconds of one login that fails. What slows a name down after failures is taken back first."""
    for key in redis().scan_iter("login:*"):
        redis().delete(key)
    key = captcha.issue()
    form = {"username": username, "password": "wrong-password", "captcha_id": key, "captcha": captcha.answer(key) or ""}
    answers: list[int] = []
    spent = seconds(lambda: answers.append(client.post("/login", data=form, base_url=host).status_code))
    assert answers == [422], answers
    return spent


def p_value(first: list[float], second: list[float]) -> float:
    """How often a blind split of the same times differs in its medians as much as these two do."""
    seen = abs(statistics.median(first) - statistics.median(second))
    pool, dice, as_far = first + second, random.Random(2026), 0
    for _ in range(SHUFFLES):
        dice.shuffle(pool)
        apart = abs(statistics.median(pool[: len(first)]) - statistics.median(pool[len(first) :]))
        as_far += apart >= seen
    return (as_far + 1) / (SHUFFLES + 1)


def measure(app: Flask) -> dict[str, float]:
    """Medians in milliseconds, and p."""
    tenant = plant("timing")
    client, host = app.test_client(), f"http://{tenant.slug}.localhost"
    unknown, wrong = [], []
    for _ in range(5):  # what is made once is made
        refused(client, host, "nobody")
        refused(client, host, "admin")
    for n in range(TRIES):
        pair = [(unknown, f"nobody{n}"), (wrong, "admin")]
        for times, name in pair if n % 2 else reversed(pair):
            times.append(refused(client, host, name))
    ms = {"unknown_ms": unknown, "wrong_ms": wrong}
    return {name: round(statistics.median(times) * 1000, 3) for name, times in ms.items()} | {
        "tries": TRIES,
        "p": round(p_value(unknown, wrong), 4),
    }


def main() -> None:
    """Print the figures."""
    with ground() as (app, _):
        app.config.update(WTF_CSRF_ENABLED=False)
        found = measure(app)
    print(json.dumps(found))
    sys.exit(found["p"] < SIGNIFICANT)
