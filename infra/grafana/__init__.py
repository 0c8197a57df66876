"""Defines the operators' dashboards as code: `boards/` says what is on each, `renderer` makes Grafana's JSON of it.

`python -m infra.grafana` writes `dashboards/`, which Grafana is given; with `--check` it only says what differs.
"""
