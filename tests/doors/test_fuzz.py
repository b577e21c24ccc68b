"""Whatever is typed into a field or an address: an answer that is a page, nothing run, nothing half stored.

FUZZ=20 tries every nasty string in every field, and twenty times as many of hypothesis' own, not the same ones each time.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from app.db import db
from app.web.table_state import SIZES
from tenants import context
from tenants.context import Tenant
from tests.conftest import Site
from tests.doors import nasty
from tests.doors.crawl import stored
from tests.doors.forms import Form, Page
from tests.pages import addresses

TIMES = int(os.environ.get("FUZZ", "1"))
IN_A_FIELD, IN_AN_ADDRESS, OWN = 3 * TIMES, TIMES, 120 * TIMES
TABLE = ("q", "sort", "tab", "page", "size", "export", "all", "id", "next", "ask")
ROW_BY_ROW = "/readings/books/"  # 整册录入 keeps the good rows and shows the others again
# These end something that other forms are about: they come last.
LAST = ("deletion", "closing", "unbinding", "undo", "reversal", "retirement", "batch", "password", "logout")


@dataclass(frozen=True, slots=True)
class Ground:
    """The plant's manager, and what its pages offer."""

    plant: Tenant
    site: Site
    forms: list[Form]
    parameters: dict[str, list[str]]  # by page


def _is_page(answer: Any) -> bool:
    return answer.status_code == 200 and answer.mimetype == "text/html"


@pytest.fixture(scope="module")
def ground(app: Flask, ours: Tenant) -> Ground:
    """Forms and parameters read off every page, the login page's too."""
    outside, site = Site(app, ours), Site(app, ours)
    site.log_in()
    with context.use(ours):
        pages = addresses(app)
        db.session.remove()
    read = {path: Page(path, found.text) for path in pages if _is_page(found := site.get(path))}
    login = Page("/login", outside.get("/login").text)
    forms: dict[tuple[str, frozenset[str]], Form] = {}
    parameters: dict[str, set[str]] = {}
    for page in (login, *read.values()):
        names = parameters.setdefault(page.path, set())
        names |= page.parameters | (set(TABLE) if page is not login else {"next"})
        for form in page.forms:
            if form.method == "post":
                forms.setdefault((form.path, frozenset(form.values)), form)
            elif urlsplit(form.path).path == page.path:
                names |= form.values.keys()
    order = sorted(forms.values(), key=lambda form: any(word in form.path for word in LAST))
    return Ground(ours, site, order, {path: sorted(names) for path, names in parameters.items()})


def faults(ask: Callable[..., Any], *what: Any) -> tuple[str, int]:
    """What is wrong with what is answered ('' for nothing), and its status."""
    try:
        answer = ask(*what)
    except Exception as error:  # while testing, the app raises where it would answer 500
        return repr(error)[:300], 500
    return _fault(answer), answer.status_code


def _fault(answer: Any) -> str:
    if answer.status_code >= 500:
        return str(answer.status)
    if answer.mimetype == "text/html":
        shown = [mark for mark in (*nasty.MARKS, nasty.SUM) if mark in answer.text]
        if shown:
            return f"shows {shown}"
    if "xq7" in answer.headers.get("Set-Cookie", "") or "evil.example" in urlsplit(answer.location or "").netloc:
        return "was talked into a header"
    return ""


class Keeper:
    """Notices when something was stored by a request that was refused."""

    def __init__(self, plant: Tenant) -> None:
        self.plant = plant
        self.rows, self.writes = stored(plant), self._writes()

    def _writes(self) -> str:
        """The number of the next transaction that writes: while it stands still, nothing was stored."""
        with context.use(self.plant):
            found = db.session.scalar(text("SELECT CAST(pg_snapshot_xmax(pg_current_snapshot()) AS text)"))
            db.session.remove()
        return str(found)

    def half_stored(self, refused: bool) -> bool:
        """Whether a refused request left something behind."""
        writes = self._writes()
        if writes == self.writes:
            return False
        before, self.rows, self.writes = self.rows, stored(self.plant), writes
        return refused and before != self.rows


def send(ground: Ground, form: Form, values: dict[str, list[str]]) -> Any:
    """The form as a browser sends it."""
    kind = "multipart/form-data" if form.sends_files else "application/x-www-form-urlencoded"
    return ground.site.post(form.path, data=values, content_type=kind)


def spoiled(form: Form, name: str, value: str) -> dict[str, list[str]]:
    """Everything filled in, one field with something else."""
    return form.filled() | {name: [value]}


def short(value: str) -> str:
    return value if len(value) < 40 else f"{value[:20]}… ({len(value)})"


def say(wrong: dict[str, str]) -> None:
    if wrong:
        pytest.fail("\n".join(f"{what}: {fault}" for what, fault in wrong.items()))


def test_every_field_takes_anything(ground: Ground) -> None:
    keeper, wrong, tried = Keeper(ground.plant), {}, 0
    for form in ground.forms:
        for name in form.fields:
            for value in nasty.some(f"{form.path} {name}", IN_A_FIELD):
                fault, status = faults(send, ground, form, spoiled(form, name, value))
                tried += 1
                refused = status >= 400 and not form.path.startswith(ROW_BY_ROW)
                if keeper.half_stored(refused):
                    fault += " half stored"
                if fault:
                    wrong[f"{form.path} {name}={short(value)!r}"] = fault
    say(wrong)
    assert len(ground.forms) > 40
    assert tried > 500


def test_every_parameter_takes_anything(ground: Ground) -> None:
    wrong, tried = {}, 0
    for path, names in ground.parameters.items():
        for name in names:
            for value in nasty.some(f"{path}?{name}", IN_AN_ADDRESS):
                fault, _ = faults(ground.site.get, f"{path}?{urlencode({name: value})}")
                tried += 1
                if fault:
                    wrong[f"{path}?{name}={short(value)!r}"] = fault
    say(wrong)
    assert tried > 500


def test_what_was_stored_is_shown_as_text(app: Flask, ground: Ground) -> None:
    with context.use(ground.plant):
        pages = addresses(app)
        db.session.remove()
    wrong = {path: fault for path in pages if (fault := faults(ground.site.get, path)[0])}
    say(wrong)


@settings(
    max_examples=OWN,
    derandomize=TIMES == 1,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(data=st.data(), value=st.text(max_size=200))
def test_what_nobody_thought_of(ground: Ground, data: st.DataObject, value: str) -> None:
    form = data.draw(st.sampled_from([form for form in ground.forms if form.fields]))
    name = data.draw(st.sampled_from(form.fields))
    assert faults(send, ground, form, spoiled(form, name, value))[0] == ""
    path = data.draw(st.sampled_from(sorted(ground.parameters)))
    query = {data.draw(st.sampled_from(ground.parameters[path] or ["q"])): value, "size": SIZES[0]}
    assert faults(ground.site.get, f"{path}?{urlencode(query)}")[0] == ""
