"""`flask plants export | import | drop`: a plant as a file, and its end."""

from __future__ import annotations

from pathlib import Path

import click
from flask.cli import with_appcontext

from app.cli_support import Refused, json_option, show
from tenants import backup, provisioning, resolver
from tenants.plant_file import Manifest
from tenants.provisioning import PlantError

FILE = click.Path(dir_okay=False, path_type=Path)


@click.command("export")
@click.argument("slug")
@click.argument("file", type=FILE)
@json_option
@with_appcontext
def export(slug: str, file: Path, as_json: bool) -> None:
    """Write the plant's books to FILE, as they are at one moment."""
    try:
        manifest = backup.export_plant(slug, file)
    except PlantError as error:
        raise Refused(str(error)) from error
    show(_summary(slug, file, manifest), as_json)


@click.command("import")
@click.argument("file", type=FILE)
@click.option("--as", "slug", metavar="SLUG", help="under another subdomain, also beside the live plant")
@click.option("--suspended", is_flag=True, help="nobody logs in there and no night runs, until it is resumed")
@json_option
@with_appcontext
def import_(file: Path, slug: str | None, suspended: bool, as_json: bool) -> None:
    """Open a plant with what FILE holds; a file that is not whole is refused."""
    try:
        tenant = backup.import_plant(file, slug=slug, suspended=suspended)
    except PlantError as error:
        raise Refused(str(error)) from error
    show({"slug": tenant.slug, "name": tenant.name, "state": tenant.state, "revision": tenant.revision}, as_json)


@click.command("drop")
@click.argument("slug")
@click.option("--export", "file", type=FILE, help="write the plant's books to this new file, then remove it")
@click.option("--yes-without-export", "without", is_flag=True, help="remove what cannot be brought back")
@json_option
@with_appcontext
def drop(slug: str, file: Path | None, without: bool, as_json: bool) -> None:
    """Remove a plant with everything in it, after an export in the same transaction."""
    if (file is None) is not without:
        raise Refused(f"删除水厂「{slug}」前请导出：--export 文件名；确实不要数据时用 --yes-without-export。")
    try:
        if file:
            show(_summary(slug, file, backup.drop_plant(slug, file)), as_json)
            return
        provisioning.drop_plant(slug)
    except PlantError as error:
        raise Refused(str(error)) from error
    resolver.forget()
    show({"slug": slug}, as_json)


def _summary(slug: str, file: Path, manifest: Manifest) -> dict[str, object]:
    size = file.stat().st_size
    tables = len(manifest.tables)
    return {"slug": slug, "file": str(file), "bytes": size, "tables": tables, "rows": manifest.rows}


COMMANDS = (export, import_, drop)
