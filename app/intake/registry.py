"""Every kind of import by its name in addresses and on the command line."""

from __future__ import annotations

from app.intake import customers, meters, quotas, readings
from app.web.imports import Importer

IMPORTERS: dict[str, Importer] = {
    module.IMPORTER.kind: module.IMPORTER for module in (customers, readings, meters, quotas)
}
