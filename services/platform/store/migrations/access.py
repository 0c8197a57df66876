"""Lists the services. Each has a role and a schema of its name; a role owns nothing, and gets grants."""

SERVICES = ("casework", "carers", "protocol", "police", "strategy", "professionals", "clock", "audit", "console")
