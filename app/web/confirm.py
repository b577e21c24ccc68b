"""Questions before a change, for browsers without JavaScript: a signed address that words them."""

from __future__ import annotations

from flask import current_app, url_for
from itsdangerous import BadSignature, URLSafeSerializer


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(str(current_app.secret_key), salt="confirm")


def confirm_url(action: str, **words: str) -> str:
    """The page that asks before it POSTs to `action`. Signed: nobody else can word our questions."""
    return url_for("frame.confirm", ask=_signer().dumps({"action": action, **words}))


def question(ask: str) -> dict[str, str] | None:
    """What such an address asks; None where it is not of our making."""
    try:
        found: dict[str, str] = _signer().loads(ask)
    except BadSignature:
        return None
    return found
