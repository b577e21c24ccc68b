"""The embedded default: PostgreSQL and Redis from wheels, supervised together with web, worker and beat."""
