"""用户档案: the list, and one customer's page with a tab for each thing that happens to it."""

from __future__ import annotations

from flask import abort, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.customers.views import batch, details, editing
from app.customers.views.base import blueprint
from app.customers.views.listing import customer_table, states_of
from app.permissions import Permission, can, requires
from app.web import tables


@blueprint.get("/customers")
@requires(Permission.VIEW_CUSTOMERS)
def index() -> ResponseReturnValue:
    """用户档案 (figure 7.1-1)."""
    table = customer_table(searching=bool(request.args.get("q") or request.args.get("route")))
    return tables.respond(table, "customers/index.html")


@blueprint.get("/customers/<int:customer_id>")
@requires(Permission.VIEW_CUSTOMERS)
def detail(customer_id: int) -> ResponseReturnValue:
    """详情: header, and the tab that the URL names."""
    who = details.header(customer_id)
    if who is None:
        abort(404)
    offered = [tab for tab in details.TABS if can(tab.permission)]
    tab = next((tab for tab in offered if tab.key == request.args.get("tab")), offered[0])
    shell = {
        "who": who,
        "tab": tab,
        "tabs": [(one.key, one.label) for one in offered],
        "url": url_for(".detail", customer_id=customer_id),
        "states": states_of(who),
        **tab.context(customer_id),
    }
    template = "customers/_tab.html" if request.headers.get("HX-Target") == "tab" else "customers/detail.html"
    if tab.table is None:
        return render_template(template, **shell)
    return tables.respond(tab.table(customer_id), template, **shell)


__all__ = ["batch", "blueprint", "editing"]
