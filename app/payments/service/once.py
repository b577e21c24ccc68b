"""幂等: a form sent twice, clicked twice or resent after a lost answer is carried out once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

from sqlalchemy.dialects.postgresql import insert

from app import clock
from app.db import db
from app.errors import DomainError
from app.payments.models import RequestKey


def once(key: str, content: dict[str, Any], action: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Do `action` unless this key has been answered; then give the same answer again.

    Two at the same time: the second waits for the first. DomainError where the key came with other content.
    """
    if not 8 <= len(key) <= 100:
        raise DomainError("页面已经过期，请刷新后再试。")
    mark = hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()
    claimed = db.session.scalar(
        insert(RequestKey)
        .values(key=key, fingerprint=mark, result={}, at=clock.now())
        .on_conflict_do_nothing()
        .returning(RequestKey.key)
    )
    if claimed:
        result = action()
        stored = db.session.get_one(RequestKey, key)
        stored.result = result
        db.session.flush()
        return result
    found = db.session.get_one(RequestKey, key, populate_existing=True)
    if found.fingerprint != mark:
        raise DomainError("这张单子已经提交过，内容却不一样；请刷新页面后重新填写。")
    return found.result
