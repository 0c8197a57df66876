"""What comes in. No label holds an agency's id: whose system is down is the console's business."""

from prometheus_client import Counter

EVENTS = Counter("casework_events", "Agencies' events, by kind and what came of them", ["kind", "result"])
IMPORTS = Counter("casework_imports", "Imports of the register", ["result"])
