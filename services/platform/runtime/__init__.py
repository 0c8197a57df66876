"""Starts and watches a process: settings, logs, clocks, health, metrics, orderly stop. Names no service or agency."""
