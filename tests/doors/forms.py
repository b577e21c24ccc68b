"""The forms and links of a page as a browser sees them, and something sensible to fill each field with."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import parse_qsl, urlsplit

TYPED = ("text", "search", "tel", "password", "number", "date", "month", "hidden", "textarea", "")
PLACEHOLDERS = {"date": "2026-10-15", "month": "2026-10", "number": "1", "password": "fuzz-password-1"}


@dataclass(slots=True)
class Form:
    """A form: where it goes and what it sends when nothing is touched (empty text fields filled in)."""

    path: str
    method: str
    values: dict[str, list[str]] = field(default_factory=dict)
    empty: dict[str, str] = field(default_factory=dict)  # text fields without a value: what may stand there
    sends_files: bool = False
    ticks: dict[str, set[str]] = field(default_factory=dict)  # boxes that are ticked, where several have one name

    @property
    def fields(self) -> list[str]:
        """What somebody fills in; the token is the crawler's business."""
        return [name for name in self.values if name != "csrf_token"]

    def filled(self) -> dict[str, list[str]]:
        """What somebody might send who fills in everything."""
        return {name: [one or self.empty.get(name, "") for one in given] for name, given in self.values.items()}


class Page(HTMLParser):
    """Collects forms by their fields, and the parameters of links that lead back to the same page."""

    def __init__(self, path: str, html: str) -> None:
        super().__init__()
        self.path = urlsplit(path).path
        self.forms: list[Form] = []
        self.parameters: set[str] = set()
        self._named: dict[str, Form] = {}
        self._open: Form | None = None
        self._select: tuple[Form, str] | None = None
        self._area: tuple[Form, str] | None = None
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._start(given)
        elif tag == "a":
            self._link(given.get("href", ""))
        elif tag == "option" and self._select:
            self._option(given)
        elif tag in ("input", "select", "textarea", "button"):
            self._field(tag, given)

    def _start(self, given: dict[str, str]) -> None:
        action = given.get("action") or self.path
        made = Form(action, given.get("method", "get").lower(), sends_files="multipart" in given.get("enctype", ""))
        made.values |= (
            {name: [value] for name, value in parse_qsl(urlsplit(action).query)} if made.method == "get" else {}
        )
        self.forms.append(made)
        self._open = made
        if "id" in given:
            self._named[given["id"]] = made

    def _link(self, href: str) -> None:
        found = urlsplit(href)
        if found.path in ("", self.path):
            self.parameters |= {name for name, _ in parse_qsl(found.query, keep_blank_values=True)}

    def _option(self, given: dict[str, str]) -> None:
        assert self._select
        form, name = self._select
        value = given.get("value", "")
        if "selected" in given or not form.values[name][0]:
            form.values[name] = [value]

    def _field(self, tag: str, given: dict[str, str]) -> None:
        form = self._named.get(given["form"]) if "form" in given else self._open
        name = given.get("name", "")
        if form is None or not name or "disabled" in given:
            return
        kind = given.get("type", "text") if tag == "input" else tag
        if tag == "select":
            form.values.setdefault(name, [""])
            self._select = (form, name)
        elif tag == "textarea":
            form.values.setdefault(name, [""])
            form.empty[name] = "说明"
            self._area = (form, name)
        elif kind in ("checkbox", "radio"):
            if "checked" in given:
                form.ticks.setdefault(name, set()).add(given.get("value", "on"))
            if "checked" in given or name not in form.values:
                form.values[name] = [given.get("value", "on")]
        elif kind in TYPED:
            form.values.setdefault(name, []).append(given.get("value", ""))
            number = given.get("inputmode") in ("decimal", "numeric")
            form.empty[name] = PLACEHOLDERS.get(kind, "1" if number else "测试")

    def handle_data(self, data: str) -> None:
        if self._area:
            form, name = self._area
            form.values[name] = [form.values[name][0] + data]

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None
        elif tag == "select":
            self._select = None
        elif tag == "textarea":
            self._area = None
