"""Starts and watches a process: settings, logs, the two clocks, health, metrics, orderly stop. Knows no service and no agency."""
