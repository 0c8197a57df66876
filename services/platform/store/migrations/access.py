"""Lists the services, each of which has a role and a schema of its own name. A role owns nothing: it is granted what its work needs."""

SERVICES = ("casework", "carers", "protocol", "police", "strategy", "professionals", "clock", "audit", "console")
