"""What a person has chosen in a list, read from the URL and written back to it. Nonsense in the URL is passed over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import request, url_for

if TYPE_CHECKING:
    from app.web.tables import Table

SIZES = (20, 50, 100)
LONGEST = 100  # characters of a parameter


def clean(text: str) -> str:
    """Without control characters, which PostgreSQL refuses or nobody types."""
    return "".join(c for c in text if c.isprintable()).strip()[:LONGEST]


def _number(text: str, otherwise: int) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else otherwise


def _page_of(args: Mapping[str, str]) -> tuple[int, int]:
    """Number and size."""
    size = _number(args.get("size", ""), SIZES[0])
    return max(1, _number(args.get("page", ""), 1)), size if size in SIZES else SIZES[0]


@dataclass(frozen=True, slots=True)
class State:
    """Search text, filters, tab, order and page."""

    endpoint: str
    path: Mapping[str, Any]  # parameters of the route itself, and others that stay
    q: str
    values: Mapping[str, str]
    tab: str
    sort: str
    descending: bool
    default_sort: str
    page: int
    size: int

    @classmethod
    def of_request(cls, table: Table) -> State:
        """From the running request."""
        args = {key: clean(value) for key, value in request.args.items()}
        names = [name for one in table.filters for name in one.names]
        sort = args.get("sort", "")
        column = table.column(sort.removeprefix("-"))
        if column is None or not column.sort:
            sort = table.default_sort
        tab = args.get("tab", "")
        known = any(t.key == tab and t.where is not None for t in table.tabs)
        number, size = _page_of(args)
        return cls(
            endpoint=request.endpoint or "",
            path={**(request.view_args or {}), **{name: args[name] for name in table.keep if args.get(name)}},
            q=args.get("q", "") if table.search else "",
            values={name: args[name] for name in names if args.get(name)},
            tab=tab if known else "",
            sort=sort.removeprefix("-"),
            descending=sort.startswith("-"),
            default_sort=table.default_sort,
            page=number,
            size=size,
        )

    @classmethod
    def of_rows(cls, *keep: str) -> State:
        """From the running request, for a list that is no Table and has its rows already; `keep`: its own parameters."""
        args = {key: clean(value) for key, value in request.args.items()}
        path = {**(request.view_args or {}), **{name: args[name] for name in keep if args.get(name)}}
        number, size = _page_of(args)
        return cls(request.endpoint or "", path, args.get("q", ""), {}, "", "", False, "", number, size)

    @property
    def ordered_by(self) -> str:
        """The sort as the URL writes it; '' for the list's own order."""
        sort = ("-" if self.descending else "") + self.sort
        return "" if sort == self.default_sort else sort

    def url(self, **changes: Any) -> str:
        """The list with something changed; another filter, order or size starts at page 1."""
        now = {"q": self.q, **self.values, "tab": self.tab, "sort": self.ordered_by, "size": self.size, **changes}
        if now["size"] == SIZES[0]:
            now["size"] = ""
        if now.get("page") == 1:
            now["page"] = ""
        return url_for(self.endpoint, **{**self.path, **{k: v for k, v in now.items() if v not in ("", None)}})

    def sorted_url(self, key: str) -> str:
        """The list ordered by a column; upwards first, then downwards."""
        descending = key == self.sort and not self.descending
        sort = f"-{key}" if descending else key
        return self.url(sort="" if sort == self.default_sort else sort)


@dataclass(frozen=True, slots=True)
class Page:
    """Which page of how many."""

    number: int
    size: int
    count: int

    @classmethod
    def of(cls, state: State, count: int) -> Page:
        """The page asked for, or the last one where there are fewer."""
        last = max(1, -(-count // state.size))
        return cls(min(state.page, last), state.size, count)

    @property
    def last(self) -> int:
        """The number of pages, at least 1."""
        return max(1, -(-self.count // self.size))

    @property
    def offset(self) -> int:
        """Rows before it."""
        return (self.number - 1) * self.size

    @property
    def numbers(self) -> list[int | None]:
        """Pages to offer: the first, the last, those around this one; None is a gap."""
        near = {1, self.last, *range(self.number - 1, self.number + 2)}
        if self.number <= 3:
            near |= {2, 3}
        shown = sorted(n for n in near if 1 <= n <= self.last)
        offered: list[int | None] = []
        for n in shown:
            if offered and n - (offered[-1] or 0) > 1:
                offered.append(None)
            offered.append(n)
        return offered
