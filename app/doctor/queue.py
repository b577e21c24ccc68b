"""Redis: whether it answers, who else may ask it, and whether locks and captchas outlive its restart; and who works."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from redis import Redis
from redis.exceptions import AuthenticationError, RedisError, ResponseError

from app.doctor.finding import Finding, bad, good, look
from app.doctor.settings import is_local
from app.observe import tally

PASSWORD_DO = "在 redis.conf 设 requirepass（至少 24 个随机字符），REDIS_URL 写成 redis://:密码@地址:6379/0。"  # noqa: S105
BEAT = 180  # seconds: three of its ticks


def check(url: str, client: Redis) -> Iterator[Finding]:
    """All of them; where it does not answer, that alone."""
    try:
        client.ping()
    except AuthenticationError:
        yield bad(
            "redis",
            "Redis 不认 REDIS_URL 里的密码。",
            "核对 REDIS_URL（或 REDIS_URL_FILE）和 redis.conf 的 requirepass。",
        )
        return
    except RedisError:
        yield bad("redis", "Redis 没有应答：没有人能登录，夜间任务也不做。", "启动 Redis，核对 REDIS_URL。")
        return
    yield good("redis", "Redis 有应答。")
    yield _password(url)
    yield _kept(client)
    yield from _workers()


def _password(url: str) -> Finding:
    parts = urlsplit(url)
    if parts.password or parts.scheme == "unix":
        return good("redis_password", "Redis 要密码。")
    if is_local(parts.hostname or ""):
        return look("redis_password", "Redis 没有密码，这台机器上谁都能用。", PASSWORD_DO)
    return bad("redis_password", "Redis 不在本机，又没有密码：网上谁都能冒充登录、改任务。", PASSWORD_DO)


def _kept(client: Redis) -> Finding:
    try:
        found: Any = {**client.config_get("appendonly"), **client.config_get("save")}
    except ResponseError:  # hosted ones forbid CONFIG
        told: Any = client.info("persistence")
        found = {"appendonly": "yes" if told.get("aof_enabled") else "no", "save": ""}
    if found.get("appendonly") == "yes":
        return good("redis_kept", "Redis 重启后，登录锁定和任务都还在。")
    if found.get("save"):
        return look(
            "redis_kept",
            "Redis 只隔一阵存一次盘，重启会丢最近几分钟的登录锁定和任务。",
            "在 redis.conf 设 appendonly yes。",
        )
    return bad(
        "redis_kept",
        "Redis 什么都不存盘：一重启，被锁住的人就解锁了，排着的任务也没了。",
        "在 redis.conf 设 appendonly yes。",
    )


def _workers() -> Iterator[Finding]:
    count = tally.workers()
    if count:
        yield good("worker", f"有 {count} 个 worker 在工作。")
    else:
        yield bad(
            "worker",
            "没有 worker：大的导入不动，夜里不出账、不扣费。",
            "启动 celery -A worker.celery worker -Q people,night。",
        )
    seen = tally.last_ended("worker.tasks.start_nights")
    if seen and time.time() - seen < BEAT:
        yield good("beat", "beat 在按时叫醒夜间任务。")
    else:
        yield bad(
            "beat",
            "三分钟里没有见到 beat 的活儿，夜间任务不会开始。",
            "启动（一个）celery -A worker.celery beat，worker 也要在。",
        )
