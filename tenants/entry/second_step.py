"""两步登录: after the password, a code of six digits from the person's telephone (RFC 6238), good once.

The secret is stored encrypted with a key made of SECRET_KEY, so that the database alone gives it away to nobody; after
another SECRET_KEY only recovery codes serve. Recovery codes are random enough (59 bits) for a plain hash.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
import time
import unicodedata
from io import BytesIO
from typing import Any

import pyotp
import segno
from cryptography.fernet import Fernet, InvalidToken
from flask import current_app
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from tenants.entry.store import door, redis

STEP = 30  # seconds that a code is shown
LATE = 1  # steps that a clock may be off
CODES = 10
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none to be mistaken
PENDING = 15 * 60  # seconds to scan and confirm


class SecondStep:
    """The columns of somebody who may have switched it on, and what they mean. Changes need the row locked."""

    totp_secret: Mapped[str | None]
    totp_step: Mapped[int | None]  # of the last code that was used
    recovery_codes: Mapped[list[Any] | None] = mapped_column(JSONB(none_as_null=True))  # hashes of those not used yet

    @property
    def two_steps(self) -> bool:
        """Whether it is on."""
        return self.totp_secret is not None

    def switch_on(self, secret: str, code: str) -> list[str] | None:
        """On, if the code shows that the telephone has the secret: recovery codes to be told once. Else None."""
        step = _step_of(secret, code, after=0)
        if step is None:
            return None
        codes = [_new_code() for _ in range(CODES)]
        self.totp_secret, self.totp_step = _lock().encrypt(secret.encode()).decode(), step
        self.recovery_codes = [_hashed(one) for one in codes]
        return codes

    def switch_off(self) -> None:
        """Off; secret and codes are gone."""
        self.totp_secret = self.totp_step = self.recovery_codes = None

    def passes(self, text: str) -> bool:
        """Whether this is a code of the telephone not used yet, or a recovery code, which is used up."""
        plain = "".join(unicodedata.normalize("NFKC", text).split()).lower()
        if re.fullmatch(r"[0-9]{6}", plain):
            secret = self._secret()
            step = _step_of(secret, plain, after=self.totp_step or 0) if secret else None
            self.totp_step = step or self.totp_step
            return step is not None
        kept = self.recovery_codes or []
        left = [one for one in kept if not secrets.compare_digest(str(one), _hashed(plain))]
        self.recovery_codes = left
        return len(left) < len(kept)

    def _secret(self) -> str | None:
        try:
            return _lock().decrypt((self.totp_secret or "").encode()).decode()
        except InvalidToken:
            current_app.logger.warning("a second step cannot be read: SECRET_KEY has changed since")
            return None


def _lock() -> Fernet:
    key = hashlib.sha256(b"second step\0" + str(current_app.config["SECRET_KEY"]).encode()).digest()
    return Fernet(base64.urlsafe_b64encode(key))


def _step_of(secret: str, code: str, *, after: int) -> int | None:
    """The time step that the code is of, if it is none of those used before."""
    now, maker = int(time.time()) // STEP, pyotp.TOTP(secret, interval=STEP)
    for step in range(max(now - LATE, after + 1), now + LATE + 1):
        if secrets.compare_digest(maker.at(step * STEP).encode(), code.encode()):
            return step
    return None


def _new_code() -> str:
    return "-".join("".join(secrets.choice(LETTERS) for _ in range(4)) for _ in range(3))


def _hashed(code: str) -> str:
    return hashlib.sha256(code.replace("-", "").encode()).hexdigest()


def _place(person_id: int) -> str:
    return f"second-step:{door()}:{person_id}"


def pending(person_id: int) -> str:
    """The secret that the person is about to confirm: the same for a quarter of an hour, and kept by nobody else."""
    redis().set(_place(person_id), pyotp.random_base32(), ex=PENDING, nx=True)
    found: Any = redis().get(_place(person_id))
    return str(found.decode())


def settled(person_id: int) -> None:
    """It was confirmed, or given up."""
    redis().delete(_place(person_id))


def picture(secret: str, *, name: str, place: str) -> bytes:
    """The QR code for the telephone, as an SVG."""
    out = BytesIO()
    segno.make(pyotp.TOTP(secret, interval=STEP).provisioning_uri(name=name, issuer_name=place), error="m").save(
        out, kind="svg", scale=5, border=3, dark="#17232d", light="#fff", xmldecl=False
    )
    return out.getvalue()


def grouped(secret: str) -> str:
    """The secret to be typed where there is no camera: ABCD EFGH …"""
    return " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))
