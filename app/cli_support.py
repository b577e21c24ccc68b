"""What every command of a plant needs: which plant, one way to fail, one way to print."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

from app.errors import DomainError
from tenants import context, fleet, resolver
from tenants.context import Tenant


class Refused(click.ClickException):
    """Exit 2 and one line on standard error."""

    exit_code = 2

    def show(self, file: Any = None) -> None:
        """One line, whatever the message."""
        click.echo(" ".join(self.message.split()), err=True)


def plant_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--plant SLUG`, required; the command's argument `plant`."""
    return click.option("--plant", required=True, metavar="SLUG", help="水厂的子域名，如 shiquan")(command)


def json_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--json`; the command's argument `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="输出一个 JSON")(command)


@contextmanager
def in_plant(slug: str) -> Iterator[Tenant]:
    """Work for the plant; DomainErrors inside become one line and exit 2, as does a plant that does not exist."""
    tenant = resolver.by_slug(slug)
    if tenant is None or tenant.state == "archived":
        raise Refused(f"没有子域名为「{slug}」的水厂，用 flask plants list 看有哪些。")
    try:
        with context.use(fleet.bring_up(tenant)):
            yield tenant
    except DomainError as error:
        raise Refused(error.message) from None


def emit(document: Any, *, as_json: bool, human: Callable[[], str]) -> None:
    """One JSON document, or what `human` says. UTF-8 whatever the terminal's locale is."""
    words = json.dumps(document, ensure_ascii=False, default=str) if as_json else human()
    click.echo(words.encode("utf-8", "backslashreplace"))


def table(heading: list[str], rows: list[list[Any]]) -> str:
    """Columns side by side; a Chinese character takes two places."""

    def wide(text: str) -> int:
        return sum(2 if ord(c) > 0x2E7F else 1 for c in text)

    lines = [[str(cell) for cell in row] for row in (heading, *rows)]
    widths = [max(wide(line[i]) for line in lines) for i in range(len(heading))]
    return "\n".join(
        "  ".join(cell + " " * (width - wide(cell)) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def show(document: dict[str, Any], as_json: bool) -> None:
    """A document of plain values: JSON, or a line for each."""
    emit(document, as_json=as_json, human=lambda: table(["", ""], [[key, value] for key, value in document.items()]))
