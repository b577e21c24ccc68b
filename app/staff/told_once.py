"""A first password is told once, on the screen of whoever made it, and lies nowhere afterwards."""

from __future__ import annotations

import json
from typing import TypedDict

from flask import request
from flask_login import current_user

from app.extensions import redis
from app.staff.models import StaffUser
from tenants import context

LIFETIME = 5 * 60  # seconds until it is gone unseen


class Told(TypedDict):
    """Whose password it is, the login name, and the password."""

    name: str
    username: str
    password: str


def _place() -> str:
    return f"told:{context.current().id}:{current_user.id}"


def keep(person: StaffUser, password: str) -> None:
    """For the next page that the one logged in opens."""
    told = Told(name=person.name, username=person.username, password=password)
    redis().set(_place(), json.dumps(told), ex=LIFETIME)


def take() -> Told | None:
    """What the page asked for has to tell, and never again; neither a part of a page nor a file tells it."""
    if "HX-Request" in request.headers or "export" in request.args:
        return None
    with redis().pipeline() as steps:
        steps.get(_place())
        steps.delete(_place())
        stored: bytes | None = steps.execute()[0]
    return json.loads(stored) if stored else None
