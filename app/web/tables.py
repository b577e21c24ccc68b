"""One mechanism for every list: declare columns, filters, tabs and totals, and `respond` does the rest.

    TABLE = Table(name="区册", source=select(Route.id).outerjoin(District), id=Route.id, columns=(Column(…), …))

    @blueprint.get("/routes/")
    @requires(Permission.VIEW_BASICS)
    def index():
        return tables.respond(TABLE, "areas/index.html")

The template extends base.html and includes `_list.html`. The state lives in the URL; without JavaScript every control is
a link or a GET form; with htmx the same view returns only `_table.html`; with `export=xlsx` it returns the workbook.
A list runs two statements: one scan for count, totals and tabs, remembered while nothing changes, and one for the rows.
Where it is searched, one more looks for what fits; when that is little, both others keep to it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from flask import make_response, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import ARRAY, BigInteger, ColumnElement, Row, Select, func, literal, select, true

from app.db import db
from app.web import remembered
from app.web.table_export import AT_ONCE, workbook_response
from app.web.table_filters import Choice, DateRange
from app.web.table_state import Page, State

Kind = Literal[
    "text", "code", "number", "money", "volume", "day", "moment", "period", "phone", "state", "words", "custom"
]
NUMERIC = ("number", "money", "volume")
FEW = 500  # rows of a search that are kept by their keys; where more fit, the first ones are soon found again


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `value` is its SQL expression, worked out for the rows of the page only."""

    key: str
    label: str
    value: Any
    kind: Kind = "text"
    sort: tuple[Any, ...] = ()  # SQL expressions, best those of an index; none: not sortable
    unique: bool = False  # its order needs no tie-breaker
    link: Callable[[Any], str] | None = None  # row → address
    names: Mapping[Any, str] = field(default_factory=dict)  # what its values are called
    states: Mapping[Any, tuple[str, str]] = field(default_factory=dict)  # kind state: value → (word, tone)
    words: Callable[[Any], list[tuple[str, str]]] | None = None  # kind words: row → (word, tone), one or more
    zero: str = ""  # written for nothing and zero
    owed: bool = False  # an amount somebody owes: red
    shown: bool = True  # else only in the workbook
    export: bool = True
    text: Callable[[Any], object] | None = None  # row → what the workbook says; the value where not given
    width: int = 0  # characters in the workbook; by kind where 0

    @property
    def numeric(self) -> bool:
        """Whether it stands at the right."""
        return self.kind in NUMERIC


@dataclass(frozen=True, slots=True)
class Tab:
    """A state with its count.

    Where rows are best sorted out by an EXISTS, which lets a page be found along an index, `counted` is the same
    condition by what is joined, which counts everybody in one scan.
    """

    key: str
    label: str
    where: ColumnElement[bool] | None = None  # None: all
    hide_empty: bool = False
    counted: ColumnElement[bool] | None = None


@dataclass(frozen=True, slots=True)
class Total:
    """A sum over the filter, in the footer."""

    key: str
    label: str
    value: Any
    kind: Kind = "money"


@dataclass(frozen=True, slots=True)
class Batch:
    """An action on chosen rows: the page of `endpoint`, which finds them with `chosen`. Offer it only to who may do it."""

    label: str
    endpoint: str
    icon: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A list. `source` selects from everything that columns, filters and totals speak of; left joins cost nothing unless used."""

    name: str  # what it is called in file names
    source: Select[Any]
    id: Any  # the primary key: breaks ties, and is `row.id`
    columns: tuple[Column, ...]
    default_sort: str  # a column's key; -key: downwards
    search: Callable[[str], ColumnElement[bool]] | None = None
    search_hint: str = ""
    filters: tuple[Choice | DateRange, ...] = ()
    tabs: tuple[Tab, ...] = ()
    totals: tuple[Total, ...] = ()
    unit: str = "条"
    extra: Mapping[str, Any] = field(default_factory=dict)  # more that a row carries, for links and actions
    cells: str = ""  # a template of macros: actions(row), and one per column of kind custom, named by its key
    empty: tuple[str, str] = ("还没有记录", "")  # title and hint while nothing is stored
    keep: tuple[str, ...] = ()  # other parameters of the URL that stay
    exports: bool = True  # 「导出」 is offered
    batch: tuple[Batch, ...] = ()  # what can be done with rows that are ticked
    known: Callable[[State], Mapping[str, Any] | None] = lambda _state: None  # sums that need not be gathered by a scan
    fits: bool = True  # on wide screens; else it scrolls by itself, without a sticky head

    @property
    def shown(self) -> tuple[Column, ...]:
        """What stands on the screen."""
        return tuple(c for c in self.columns if c.shown)

    def column(self, key: str) -> Column | None:
        """The column of that name."""
        return next((c for c in self.columns if c.key == key), None)


@dataclass(frozen=True, slots=True)
class Listing:
    """A table with one state of it read: what `_list.html` and `_table.html` show."""

    table: Table
    state: State
    rows: Sequence[Row[Any]]
    tab_counts: Mapping[str, int]
    totals: Sequence[tuple[Total, Any]]
    page: Page

    @property
    def exports_at_once(self) -> bool:
        """Whether 「导出」 answers with the file; of many rows it leads to a page where one waits for it."""
        return self.page.count <= AT_ONCE

    @property
    def filtered(self) -> bool:
        """Whether something narrows the list."""
        return bool(self.state.q or self.state.values or self.state.tab)


def _filtered(table: Table, state: State) -> Select[Any]:
    source = table.source
    if state.q and table.search:
        source = source.where(table.search(state.q))
    for one in table.filters:
        condition = one.condition(state.values)
        if condition is not None:
            source = source.where(condition)
    return source


def _search(table: Table, state: State) -> list[list[Any]]:
    found = _filtered(table, state).with_only_columns(table.id.label("id"), maintain_column_froms=True)
    # Planned as if all were wanted: what a LIMIT makes of a search that finds nothing is slow.
    every = found.cte("found").prefix_with("MATERIALIZED")
    return [list(row) for row in db.session.execute(select(every.c.id).limit(FEW + 1))]


def _narrowed(table: Table, state: State) -> Select[Any]:
    """What search and filters leave. No index knows a piece of a name, so that a search reads everybody: but once."""
    if state.q and table.search:
        found = remembered.rows((*_of_filter(table, state), "found"), lambda: _search(table, state))
        if len(found) <= FEW:
            return table.source.where(table.id == func.any(literal([key for (key,) in found], ARRAY(BigInteger))))
    return _filtered(table, state)


def _tab_condition(table: Table, state: State) -> ColumnElement[bool]:
    tab = next((t for t in table.tabs if t.key == state.tab), None)
    return tab.where if tab and tab.where is not None else true()


def _counted(tab: Tab | None) -> ColumnElement[bool]:
    found = None if tab is None else tab.where if tab.counted is None else tab.counted
    return true() if found is None else found


def _order(table: Table, state: State) -> list[Any]:
    """Whitelisted by the columns, and stable: ties go by the primary key."""
    column = table.column(state.sort)
    assert column is not None
    return [*column.sort, *([] if column.unique else [table.id])]


def _directed(keys: list[Any], *, down: bool) -> list[Any]:
    return [key.desc() if down else key.asc() for key in keys]


def _values(table: Table, columns: Sequence[Column]) -> list[Any]:
    pairs = {"id": table.id, **{c.key: c.value for c in columns}, **table.extra}
    return [value.label(key) for key, value in pairs.items()]


def summary_statement(table: Table, state: State) -> Select[Any]:
    """One scan: how many in the filter and in each tab, and the totals."""
    inside = _counted(next((t for t in table.tabs if t.key == state.tab), None))
    parts: list[Any] = [func.count().filter(inside).label("count_")]
    parts += [func.count().filter(_counted(t)).label(f"tab_{t.key}") for t in table.tabs]
    parts += [func.coalesce(func.sum(t.value).filter(inside), 0).label(f"total_{t.key}") for t in table.totals]
    return _narrowed(table, state).with_only_columns(*parts, maintain_column_froms=True)


def page_statement(table: Table, state: State, page: Page) -> Select[Any]:
    """The rows of one page. The keys are found first, along the index, so that skipped rows cost nothing more.

    A page of the second half is looked for from the end, so that the last one is found as soon as the first.
    """
    order = _order(table, state)
    size = max(0, min(page.size, page.count - page.offset))
    behind = page.count - page.offset - size
    from_end = behind < page.offset
    labelled = [key.label(f"key_{i}") for i, key in enumerate(order)]
    keys = (
        _narrowed(table, state)
        .with_only_columns(table.id.label("id"), *labelled, maintain_column_froms=True)
        .where(_tab_condition(table, state))
        .order_by(*_directed(order, down=state.descending != from_end))
        .limit(size)
        .offset(behind if from_end else page.offset)
        .subquery("page_of_keys")
    )
    rows = table.source.with_only_columns(*_values(table, table.shown), maintain_column_froms=True)
    again = [keys.c[f"key_{i}"] for i in range(len(order))]
    return rows.join(keys, keys.c.id == table.id).order_by(*_directed(again, down=state.descending))


def export_statement(table: Table, state: State) -> Select[Any]:
    """Every row of the filter."""
    rows = _narrowed(table, state).with_only_columns(*_values(table, table.columns), maintain_column_froms=True)
    return rows.where(_tab_condition(table, state)).order_by(*_directed(_order(table, state), down=state.descending))


def narrowed(table: Table) -> Select[Any]:
    """The table's source with all that the running request narrows it by: for sums beside the list."""
    state = State.of_request(table)
    return _narrowed(table, state).where(_tab_condition(table, state))


@dataclass(frozen=True, slots=True)
class Chosen:
    """Rows that a batch action is for, and the address of the list they were ticked in."""

    ids: list[int]
    back: str


def chosen(table: Table, endpoint: str) -> Chosen:
    """The rows that the address names: `id` once each, or with `all` everything that the filter of the list shows."""
    state = replace(State.of_request(table), endpoint=endpoint)
    ids = [int(one) for one in request.args.getlist("id") if one.isascii() and one.isdigit() and len(one) < 19]
    if "all" in request.args:
        ids = list(db.session.scalars(narrowed(table).with_only_columns(table.id, maintain_column_froms=True)))
    return Chosen(ids, state.url())


def _summed(table: Table, state: State) -> dict[str, Any]:
    return {
        str(name): value for name, value in db.session.execute(summary_statement(table, state)).one()._mapping.items()
    }


def _narrowed_by(table: Table, state: State) -> str:
    """What the list is narrowed to, in the page's words, for the log of exports."""
    said = [f"「{state.q}」" if state.q else "", *(one.words(state.values) for one in table.filters)]
    said += [tab.label for tab in table.tabs if tab.key == state.tab]
    return "，".join(filter(None, said))


def _of_filter(table: Table, state: State) -> tuple[object, ...]:
    return (table.name, state.endpoint, sorted(state.path.items()), state.q, sorted(state.values.items()))


def _asked(table: Table, state: State) -> tuple[object, ...]:
    return (*_of_filter(table, state), state.tab)


def sums_beside(table: Table, name: str, run: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
    """Further numbers about what the running request shows of the table, remembered as its own sums are."""
    return remembered.sums((*_asked(table, State.of_request(table)), name), run)


def sums(table: Table, state: State) -> Mapping[str, Any]:
    """Its count, its tabs' counts and its totals; gathered only where something has changed since."""
    names = (*(t.key for t in table.tabs), *(t.key for t in table.totals))
    return remembered.sums((*_asked(table, state), names), lambda: _summed(table, state))


def read(table: Table, state: State) -> Listing:
    """Run the two statements; the first only where something has changed since it was last run."""
    found = table.known(state) or sums(table, state)
    page = Page.of(state, found["count_"])
    rows = db.session.execute(page_statement(table, state, page)).all() if page.count else []
    return Listing(
        table,
        state,
        rows,
        {t.key: found[f"tab_{t.key}"] for t in table.tabs},
        [(t, found[f"total_{t.key}"]) for t in table.totals],
        page,
    )


def all_rows(table: Table) -> Sequence[Row[Any]]:
    """Every row in the table's own order, with all its columns: for a page that is printed."""
    rows = table.source.with_only_columns(*_values(table, table.columns), maintain_column_froms=True)
    column = table.column(table.default_sort.removeprefix("-"))
    assert column is not None
    return db.session.execute(rows.order_by(*column.sort, table.id)).all()


def respond(table: Table, template: str, *, part_template: str = "_table.html", **context: Any) -> ResponseReturnValue:
    """The page, the part that htmx swaps, or the workbook. The template finds the list as `listing`."""
    state = State.of_request(table)
    if table.exports and request.args.get("export") == "xlsx":
        rows = (table.known(state) or sums(table, state))["count_"]
        statement = export_statement(table, state)
        return workbook_response(table, statement, rows=rows, narrowed_by=_narrowed_by(table, state))
    listing = read(table, state)
    part = request.headers.get("HX-Target") == "list" and "HX-History-Restore-Request" not in request.headers
    response = make_response(
        render_template(part_template if part else template, listing=listing, part=part, **context)
    )
    response.vary.add("HX-Request")
    if part:
        response.headers["HX-Push-Url"] = state.url(page=listing.page.number)
    return response


__all__ = [
    "Batch", "Choice", "Chosen", "Column", "DateRange", "Listing", "Tab", "Table", "Total",
    "chosen", "narrowed", "read", "respond", "select", "sums", "sums_beside",
]  # fmt: skip
