"""Every table of a plant, so that the metadata is whole wherever it is needed."""

from __future__ import annotations

from app import audit
from app.areas import models as areas
from app.billing import models as billing
from app.customers import models as customers
from app.intake import models as intake
from app.ledger import models as ledger
from app.metering import models as metering
from app.payments import models as payments
from app.readings import models as readings
from app.reports import models as reports
from app.staff import models as staff
from app.tariffs import models as tariffs

__all__ = [
    "areas", "audit", "billing", "customers", "intake", "ledger",
    "metering", "payments", "readings", "reports", "staff", "tariffs",
]  # fmt: skip
