"""the water works

Revision: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "audit_entry",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by_id", sa.BigInteger(), nullable=True),
        sa.Column("by_name", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("entity", sa.Text(), nullable=False),
        sa.Column("entity_id", sa.BigInteger(), nullable=True),
        sa.Column("changes", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entry")),
    )
    op.create_index(op.f("ix_audit_entry_at"), "audit_entry", ["at"], unique=False)
    op.create_index(op.f("ix_audit_entry_entity_entity_id"), "audit_entry", ["entity", "entity_id"], unique=False)
    op.create_table(
        "billing_run",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("route_id", sa.BigInteger(), nullable=True),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("bills", sa.Integer(), nullable=False),
        sa.Column("volume", sa.Numeric(precision=14, scale=3), nullable=False),
        sa.Column("amount", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.Column("by_id", sa.BigInteger(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_billing_run")),
    )
    op.create_index(op.f("ix_billing_run_period"), "billing_run", ["period"], unique=False)
    op.create_table(
        "daily_summary",
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("route_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("staff_id", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("volume", sa.Numeric(precision=14, scale=3), nullable=False),
        sa.Column("amount_due", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.Column("received", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.Column("settled", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.Column("late_fee", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.Column("waived", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.Column("credit_delta", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.PrimaryKeyConstraint(
            "business_date", "route_id", "kind", "method", "staff_id", name=op.f("pk_daily_summary")
        ),
    )
    op.create_table(
        "district",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_district")),
        sa.UniqueConstraint("name", name=op.f("uq_district_name")),
    )
    op.create_table(
        "import_job",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("filename", sa.Text(), nullable=False),
        sa.Column("options", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("progress", sa.Integer(), nullable=False),
        sa.Column("result", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("by_id", sa.BigInteger(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "state IN ('uploaded', 'previewed', 'running', 'done', 'failed')",
            name=op.f("ck_import_job_state"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_job")),
    )
    op.create_table(
        "ledger_entry",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("source_id", sa.BigInteger(), nullable=True),
        sa.Column("reverses_id", sa.BigInteger(), nullable=True),
        sa.Column("by_id", sa.BigInteger(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_entry")),
        sa.UniqueConstraint("reverses_id", name=op.f("uq_ledger_entry_reverses_id")),
    )
    op.create_index(op.f("ix_ledger_entry_business_date"), "ledger_entry", ["business_date"], unique=False)
    op.create_table(
        "meter",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("meter_no", sa.Text(), nullable=False),
        sa.Column("bore", sa.Text(), nullable=False),
        sa.Column("meter_type", sa.Text(), nullable=False),
        sa.Column("maker", sa.Text(), nullable=False),
        sa.Column("installed_on", sa.Date(), nullable=True),
        sa.Column("dial_modulus", sa.Numeric(precision=14, scale=3), nullable=False),
        sa.Column("initial_reading", sa.Numeric(precision=14, scale=3), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("master_meter_id", sa.BigInteger(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.CheckConstraint("state IN ('in_use', 'stopped', 'retired')", name=op.f("ck_meter_state")),
        sa.CheckConstraint(
            "initial_reading >= 0 AND initial_reading < dial_modulus", name=op.f("ck_meter_initial_reading")
        ),
        sa.ForeignKeyConstraint(["master_meter_id"], ["meter.id"], name=op.f("fk_meter_master_meter_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_meter")),
        sa.UniqueConstraint("meter_no", name=op.f("uq_meter_meter_no")),
    )
    op.create_table(
        "open_item",
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("bill_id", sa.BigInteger(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("unpaid", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.Column("late_fee", sa.Numeric(precision=16, scale=6), nullable=False),
        sa.Column("accrued_to", sa.Date(), nullable=True),
        sa.CheckConstraint("unpaid >= 0 AND late_fee >= 0", name=op.f("ck_open_item_unpaid")),
        sa.PrimaryKeyConstraint("customer_id", "bill_id", name=op.f("pk_open_item")),
    )
    op.create_table(
        "request_key",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("result", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_request_key")),
    )
    op.create_table(
        "setting",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_setting")),
    )
    op.create_table(
        "settlement",
        sa.Column("payment_id", sa.BigInteger(), nullable=False),
        sa.Column("bill_id", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.Column("late_fee", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.PrimaryKeyConstraint("payment_id", "bill_id", name=op.f("pk_settlement")),
    )
    op.create_index(op.f("ix_settlement_bill_id"), "settlement", ["bill_id"], unique=False)
    op.create_table(
        "staff_user",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("mobile", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("must_change_password", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_login_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "role IN ('manager', 'cashier', 'reader', 'accountant', 'clerk')", name=op.f("ck_staff_user_role")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_user")),
        sa.UniqueConstraint("username", name=op.f("uq_staff_user_username")),
    )
    op.create_table(
        "use_category",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_use_category")),
        sa.UniqueConstraint("name", name=op.f("uq_use_category_name")),
    )
    op.create_table(
        "day_close",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("cashier_id", sa.BigInteger(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("expected", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("counted", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["cashier_id"], ["staff_user.id"], name=op.f("fk_day_close_cashier_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_day_close")),
    )
    op.create_index("uq_day_close_cashier", "day_close", ["cashier_id", "business_date"], unique=True)
    op.create_table(
        "posting",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("entry_id", sa.BigInteger(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("route_id", sa.BigInteger(), nullable=True),
        sa.Column("amount", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["ledger_entry.id"], name=op.f("fk_posting_entry_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_posting")),
    )
    op.create_index(op.f("ix_posting_entry_id"), "posting", ["entry_id"], unique=False)
    op.create_table(
        "quota",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("use_category_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("value", sa.Numeric(precision=14, scale=4), nullable=False),
        sa.Column("cycle", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["use_category_id"], ["use_category.id"], name=op.f("fk_quota_use_category_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quota")),
        sa.UniqueConstraint("code", name=op.f("uq_quota_code")),
    )
    op.create_table(
        "route",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("district_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("reader_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["district_id"], ["district.id"], name=op.f("fk_route_district_id")),
        sa.ForeignKeyConstraint(["reader_id"], ["staff_user.id"], name=op.f("fk_route_reader_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_route")),
        sa.UniqueConstraint("district_id", "name", name=op.f("uq_route_district_id_name")),
    )
    op.create_table(
        "suspension",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("meter_id", sa.BigInteger(), nullable=False),
        sa.Column("stopped_on", sa.Date(), nullable=False),
        sa.Column("stop_reading", sa.Numeric(precision=14, scale=3), nullable=False),
        sa.Column("resumed_on", sa.Date(), nullable=True),
        sa.Column("resume_reading", sa.Numeric(precision=14, scale=3), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("by_id", sa.BigInteger(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["meter_id"], ["meter.id"], name=op.f("fk_suspension_meter_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suspension")),
    )
    op.create_index(
        "uq_suspension_open",
        "suspension",
        ["meter_id"],
        unique=True,
        postgresql_where=sa.text("resumed_on IS NULL"),
    )
    op.create_table(
        "tariff",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("use_category_id", sa.BigInteger(), nullable=False),
        sa.Column("applies_to", sa.Text(), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.CheckConstraint("applies_to IN ('metered', 'unmetered')", name=op.f("ck_tariff_applies_to")),
        sa.ForeignKeyConstraint(["use_category_id"], ["use_category.id"], name=op.f("fk_tariff_use_category_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tariff")),
        sa.UniqueConstraint("name", name=op.f("uq_tariff_name")),
    )
    op.create_index(
        "uq_tariff_default",
        "tariff",
        ["use_category_id", "applies_to"],
        unique=True,
        postgresql_where=sa.text("is_default"),
    )
    op.create_table(
        "customer",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("customer_no", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("holder_initials", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=False),
        sa.Column("id_card", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("route_id", sa.BigInteger(), nullable=False),
        sa.Column("route_seq", sa.Integer(), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("use_category_id", sa.BigInteger(), nullable=False),
        sa.Column("charged_by_meter", sa.Boolean(), nullable=False),
        sa.Column("auto_deduct", sa.Boolean(), nullable=False),
        sa.Column("quota_id", sa.BigInteger(), nullable=True),
        sa.Column("quota_units", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("area", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("opened_on", sa.Date(), nullable=True),
        sa.Column("closed_on", sa.Date(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("credit_balance", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.CheckConstraint("state IN ('active', 'closed')", name=op.f("ck_customer_state")),
        sa.CheckConstraint("credit_balance >= 0", name=op.f("ck_customer_credit_balance")),
        sa.CheckConstraint("people >= 0", name=op.f("ck_customer_people")),
        sa.ForeignKeyConstraint(["quota_id"], ["quota.id"], name=op.f("fk_customer_quota_id")),
        sa.ForeignKeyConstraint(["route_id"], ["route.id"], name=op.f("fk_customer_route_id")),
        sa.ForeignKeyConstraint(["use_category_id"], ["use_category.id"], name=op.f("fk_customer_use_category_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer")),
        sa.UniqueConstraint("customer_no", name=op.f("uq_customer_customer_no")),
    )
    op.create_index(op.f("ix_customer_holder_initials"), "customer", ["holder_initials"], unique=False)
    op.create_index(op.f("ix_customer_route_id_route_seq"), "customer", ["route_id", "route_seq"], unique=False)
    op.create_table(
        "tariff_version",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("tariff_id", sa.BigInteger(), nullable=False),
        sa.Column("effective_from", sa.Date(), nullable=False),
        sa.Column("document", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["tariff_id"], ["tariff.id"], name=op.f("fk_tariff_version_tariff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tariff_version")),
        sa.UniqueConstraint("tariff_id", "effective_from", name=op.f("uq_tariff_version_tariff_id_effective_from")),
    )
    op.create_table(
        "bill",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("binding_id", sa.BigInteger(), nullable=True),
        sa.Column("route_id", sa.BigInteger(), nullable=False),
        sa.Column("use_category_id", sa.BigInteger(), nullable=False),
        sa.Column("start_reading", sa.Numeric(precision=14, scale=3), nullable=True),
        sa.Column("end_reading", sa.Numeric(precision=14, scale=3), nullable=True),
        sa.Column("read_on", sa.Date(), nullable=True),
        sa.Column("volume", sa.Numeric(precision=14, scale=3), nullable=False),
        sa.Column("amount", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("reverses_id", sa.BigInteger(), nullable=True),
        sa.Column("adjusts_id", sa.BigInteger(), nullable=True),
        sa.Column("document", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint("kind IN ('regular', 'adjustment', 'reversal')", name=op.f("ck_bill_kind")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_bill_customer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bill")),
    )
    op.create_index(op.f("ix_bill_period_route_id"), "bill", ["period", "route_id"], unique=False)
    op.create_index(
        "uq_bill_once",
        "bill",
        ["customer_id", "period", sa.literal_column("coalesce(binding_id, 0)"), "kind", "round"],
        unique=True,
    )
    op.create_index(
        "uq_bill_reverses_id",
        "bill",
        ["reverses_id"],
        unique=True,
        postgresql_where=sa.text("reverses_id IS NOT NULL"),
    )
    op.create_table(
        "meter_binding",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("meter_id", sa.BigInteger(), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("use_category_id", sa.BigInteger(), nullable=False),
        sa.Column("bound_on", sa.Date(), nullable=False),
        sa.Column("unbound_on", sa.Date(), nullable=True),
        sa.Column("start_reading", sa.Numeric(precision=14, scale=3), nullable=False),
        sa.Column("end_reading", sa.Numeric(precision=14, scale=3), nullable=True),
        sa.Column("carried_volume", sa.Numeric(precision=14, scale=3), nullable=False),
        sa.Column("replaces_id", sa.BigInteger(), nullable=True),
        sa.Column("mix", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_meter_binding_customer_id")),
        sa.ForeignKeyConstraint(["meter_id"], ["meter.id"], name=op.f("fk_meter_binding_meter_id")),
        sa.ForeignKeyConstraint(
            ["use_category_id"], ["use_category.id"], name=op.f("fk_meter_binding_use_category_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_meter_binding")),
    )
    op.create_index(op.f("ix_meter_binding_customer_id"), "meter_binding", ["customer_id"], unique=False)
    op.create_index(
        "uq_meter_binding_open",
        "meter_binding",
        ["meter_id"],
        unique=True,
        postgresql_where=sa.text("unbound_on IS NULL"),
    )
    op.create_table(
        "payment",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("route_id", sa.BigInteger(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cashier_id", sa.BigInteger(), nullable=True),
        sa.Column("tendered", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.Column("received", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.Column("waived", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.Column("settled", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.Column("late_fee", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.Column("credit_delta", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.Column("receipt_year", sa.Integer(), nullable=True),
        sa.Column("receipt_no", sa.Integer(), nullable=True),
        sa.Column("batch", sa.Text(), nullable=True),
        sa.Column("reverses_id", sa.BigInteger(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('payment', 'top_up', 'auto_deduct', 'opening', 'refund', 'reversal', 'waiver', 'credit')",
            name=op.f("ck_payment_kind"),
        ),
        sa.CheckConstraint("received + waived = settled + late_fee + credit_delta", name=op.f("ck_payment_adds_up")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_payment_customer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment")),
    )
    op.create_index(op.f("ix_payment_business_date"), "payment", ["business_date"], unique=False)
    op.create_index(op.f("ix_payment_customer_id"), "payment", ["customer_id"], unique=False)
    op.create_index(
        "uq_payment_receipt",
        "payment",
        ["receipt_year", "receipt_no"],
        unique=True,
        postgresql_where=sa.text("receipt_no IS NOT NULL"),
    )
    op.create_index(
        "uq_payment_reverses_id",
        "payment",
        ["reverses_id"],
        unique=True,
        postgresql_where=sa.text("reverses_id IS NOT NULL"),
    )
    op.create_table(
        "reading",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("binding_id", sa.BigInteger(), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("route_id", sa.BigInteger(), nullable=False),
        sa.Column("reader_id", sa.BigInteger(), nullable=True),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("start_reading", sa.Numeric(precision=14, scale=3), nullable=False),
        sa.Column("end_reading", sa.Numeric(precision=14, scale=3), nullable=True),
        sa.Column("volume", sa.Numeric(precision=14, scale=3), nullable=True),
        sa.Column("read_on", sa.Date(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("review", sa.Text(), nullable=False),
        sa.Column("held_for", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("recorded_by", sa.BigInteger(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(kind = 'unread') = (end_reading IS NULL)", name=op.f("ck_reading_value")),
        sa.CheckConstraint("kind IN ('actual', 'estimated', 'unread')", name=op.f("ck_reading_kind")),
        sa.CheckConstraint("review <> 'accepted' OR volume IS NULL OR volume >= 0", name=op.f("ck_reading_volume")),
        sa.CheckConstraint("review IN ('accepted', 'held', 'returned')", name=op.f("ck_reading_review")),
        sa.ForeignKeyConstraint(["binding_id"], ["meter_binding.id"], name=op.f("fk_reading_binding_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reading")),
    )
    op.create_index(op.f("ix_reading_period_route_id"), "reading", ["period", "route_id"], unique=False)
    op.create_index("uq_reading_binding_id_period", "reading", ["binding_id", "period"], unique=True)
    op.create_table(
        "use_category_change",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("binding_id", sa.BigInteger(), nullable=False),
        sa.Column("effective_from", sa.Date(), nullable=False),
        sa.Column("old_id", sa.BigInteger(), nullable=False),
        sa.Column("new_id", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("by_id", sa.BigInteger(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["binding_id"], ["meter_binding.id"], name=op.f("fk_use_category_change_binding_id")),
        sa.ForeignKeyConstraint(["new_id"], ["use_category.id"], name=op.f("fk_use_category_change_new_id")),
        sa.ForeignKeyConstraint(["old_id"], ["use_category.id"], name=op.f("fk_use_category_change_old_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_use_category_change")),
    )
    op.create_index(
        op.f("ix_use_category_change_binding_id_effective_from"),
        "use_category_change",
        ["binding_id", "effective_from"],
        unique=False,
    )
