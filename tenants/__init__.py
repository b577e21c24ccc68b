"""Plants as tenants: who they are, which schema and role they own, and how a transaction becomes theirs."""
