"""Who may do what, in one place's words. Service roles own nothing: they are granted what their work needs."""

from alembic import op

SERVICES = ("casework", "carers", "protocol", "police", "strategy", "professionals", "clock", "audit", "console")


def create_role(role: str) -> None:
    """NOLOGIN; whoever runs the database gives it a password and LOGIN."""
    op.execute(
        f"DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN CREATE ROLE {role}; END IF; END $$"
    )


def grant(privileges: str, on: str, *roles: str) -> None:
    """Such as `grant("SELECT", "register.for_police_notice", "police")`; the schema's USAGE comes with it."""
    schema = on.split(".", maxsplit=1)[0]
    op.execute(f"GRANT USAGE ON SCHEMA {schema} TO {', '.join(roles)}")
    op.execute(f"GRANT {privileges} ON {on} TO {', '.join(roles)}")
