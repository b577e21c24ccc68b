"""The plant's tables: base class, column types, and the one transaction an edge opens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import BigInteger, DateTime, Identity, MetaData, Numeric, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, mapped_column, registry

from tenants import context
from tenants import session as tenant_session
from tenants.models import NAMING

Amount = Annotated[Decimal, mapped_column(Numeric(14, 2))]  # yuan
Price = Annotated[Decimal, mapped_column(Numeric(12, 4))]  # yuan a unit
Volume = Annotated[Decimal, mapped_column(Numeric(14, 3))]  # m³, also readings of a dial
Key = Annotated[int, mapped_column(BigInteger, Identity(), primary_key=True)]
Ref = Annotated[int, mapped_column(BigInteger)]  # a key of another table; add ForeignKey where it protects something


class Base(DeclarativeBase):
    """Tables of a plant. They carry no schema: the transaction's search_path says whose they are."""

    registry = registry(
        metadata=MetaData(naming_convention=NAMING),
        type_annotation_map={
            datetime: DateTime(timezone=True),
            str: Text,
            dict[str, Any]: JSONB(none_as_null=True),
            list[Any]: JSONB(none_as_null=True),
        },
    )


db = SQLAlchemy(model_class=Base, disable_autonaming=True, session_options={"expire_on_commit": False})
tenant_session.install(db.session)


def after_commit(action: Callable[[], None]) -> None:
    """Do `action` when the running transaction has been committed; forget it when it is rolled back."""
    db.session.info.setdefault("after_commit", []).append(action)


_LOCK = text("SELECT pg_advisory_xact_lock(:key, :plant)")
_LOCK_SHARED = text("SELECT pg_advisory_xact_lock_shared(:key, :plant)")


def lock(key: int, *, shared: bool = False) -> None:
    """Wait for the plant's advisory lock of this key, and hold it until the running transaction ends."""
    db.session.execute(_LOCK_SHARED if shared else _LOCK, {"key": key, "plant": context.current().id})


JOINED = "joined"  # in `session.info` while transactions are parts of one around them
MOMENT = "moment"  # in `session.info` while `at_one_moment` reads: what need not be read twice in it


@contextmanager
def transaction() -> Iterator[None]:
    """One unit of work: committed at the end of the block, nothing stored on an error. Edges open it, services do not."""
    if JOINED in db.session.info:
        yield
        return
    db.session.info["after_commit"] = []
    try:
        yield
        db.session.commit()
    except BaseException:
        db.session.rollback()
        raise
    for action in db.session.info.pop("after_commit", []):
        action()


@contextmanager
def joined() -> Iterator[None]:
    """Transactions opened in the block are parts of the one that is open: all of it is stored, or nothing."""
    db.session.info[JOINED] = True
    try:
        yield
        db.session.flush()
    finally:
        del db.session.info[JOINED]


@contextmanager
def at_one_moment() -> Iterator[None]:
    """All that is read in the block is as it was at one moment, whatever is committed meanwhile. It cannot write.

    For edges whose figures must agree with each other, as a report's with the ledger's; also a decorator of a view.
    """
    db.session.close()  # whoever is logged in has been read by now, and need not be read again
    # Said by BEGIN itself: once a query has run, and entering the plant is one, it is too late.
    db.session.connection(execution_options={"isolation_level": "REPEATABLE READ", "postgresql_readonly": True})
    db.session.info[MOMENT] = {}
    try:
        yield
    finally:
        del db.session.info[MOMENT]
        db.session.close()


__all__ = [
    "MOMENT", "Amount", "Base", "Key", "Price", "Ref", "Volume", "after_commit", "at_one_moment", "db", "joined", "lock",
    "transaction",
]  # fmt: skip
