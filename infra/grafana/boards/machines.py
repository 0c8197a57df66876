"""Shows operators the machines, what fires on them, and the copies of what they keep."""

from infra.grafana.panel import Board, Panel, Row, nought_if, number

DISKS = 'node_filesystem_{}_bytes{{fstype!~"tmpfs|overlay|squashfs"}}'
FREE, SIZE = DISKS.format("avail"), DISKS.format("size")

FIRING = Row(
    "Firing",
    [
        Panel(
            "Alerts that fire",
            "Each alert that fires, over time. Each has a runbook of its name. Watchdog, which always fires, is left out.",
            'sum by (alertname) (ALERTS{alertstate="firing", severity!="none"}) or on () label_replace('
            + nought_if('max(ALERTS{alertname="Watchdog"})')
            + ', "alertname", "none", "", "")',
            "watchdog",
            "{{alertname}}",
            kind="stack",
            width=16,
        ),
        Panel(
            "Versions",
            "How many processes run which version. Each change is marked on every dashboard.",
            "count by (version) (process_build_info)",
            "service-flapping",
            "{{version}}",
        ),
    ],
)
MACHINES = Row(
    "Machines",
    [
        Panel(
            "Days until a disk is full",
            "At the pace of the last six hours. Nothing is shown of a disk that does not fill.",
            f"{FREE} / -(deriv({FREE}[6h]) < 0) / 86400",
            "disk-full",
            "{{instance}} {{mountpoint}}",
            base="red",
            limits=[(4, "orange"), (14, "green")],
        ),
        Panel(
            "Free",
            "Share of each disk that is free. At a tenth it warns.",
            f"{FREE} / {SIZE}",
            "disk-full",
            "{{instance}} {{mountpoint}}",
            unit="percentunit",
        ),
        Panel(
            "Memory available",
            "Share of each machine's memory.",
            "node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes",
            "service-flapping",
            "{{instance}}",
            unit="percentunit",
        ),
        Panel(
            "Clocks",
            "How far each machine's clock is from what keeps it, and each service's from the database's.",
            {
                "{{instance}}": "abs(node_timex_offset_seconds)",
                "{{service}}": "max by (service) (database_clock_skew_seconds)",
            },
            "clock-skewed",
            unit="s",
            limits=[(2, "red")],
        ),
        Panel("Load", "Processes that want a processor.", "node_load5", "event-loop-late", "{{instance}}"),
        Panel(
            "Days until a certificate ends",
            "Of each public door that the operator listed, and of Kafka.",
            '(min by (door) (probe_ssl_earliest_cert_expiry{door!=""}) - time()) / 86400',
            "door-shut",
            "{{door}}",
            base="red",
            limits=[(3, "orange"), (21, "green")],
        ),
        Panel(
            "Days until an access ends",
            "Of the first import credential, sharing agreement or certificate of ours at a force.",
            "(min by (what) (ends_at_seconds) - time()) / 86400",
            "access-ends",
            "{{what}}",
            base="red",
            limits=[(7, "orange"), (30, "green")],
        ),
    ],
)
COPIES = Row(
    "Copies",
    [
        number(
            "Partitions without a copy",
            "Partitions of which a broker lacks its copy. One broker has none to lack.",
            "max(bus_partitions_under_replicated)",
            "copies-behind",
            limits=[(1, "orange")],
        ),
        Panel(
            "Database copies behind",
            "How far each copy of the database is behind. One server has none.",
            {"{{instance}}": "pg_replication_lag_seconds", "{{pod}}": "cnpg_pg_replication_lag"},
            "copies-behind",
            unit="s",
            limits=[(30, "orange")],
            width=20,
        ),
    ],
)
BOARD = Board(
    "machines",
    "Machines",
    "What fires, and the machines below: disks, clocks, certificates and copies.",
    [FIRING, MACHINES, COPIES],
)
