"""Shows operators Kafka, PostgreSQL and the processes between them."""

from infra.grafana.boards.console_and_record import CONSOLE, ELSEWHERE
from infra.grafana.panel import Board, Panel, Row, number, share_under, standing

NOW = Row(
    "Now",
    [
        number(
            "Services up",
            "Share of the scraped processes that answer Prometheus.",
            "sum(up) / count(up)",
            "service-down",
            unit="percentunit",
        ),
        number(
            "Obstacles",
            "Things that processes are waiting for, as reported by readiness. A waiting process loses nothing.",
            "sum(process_obstacle)",
            "service-not-ready",
            limits=[(1, "red")],
        ),
        number(
            "Dead letters",
            "Messages given up within a week that nobody has sent again. A person is told of each that concerns a child.",
            standing("dead_letters_open"),
            "dead-letter",
            limits=[(1, "red")],
        ),
        number(
            "Oldest unpublished",
            "Age of the oldest message that is committed but not yet on the bus.",
            "max(bus_outbox_oldest_seconds)",
            "outbox-old",
            unit="s",
            limits=[(10, "orange"), (30, "red")],
        ),
        number(
            "Clock late by",
            "How long the longest overdue deadline has waited for the clock.",
            standing("deadlines_late_seconds", over="max"),
            "clock-late",
            unit="s",
            limits=[(5, "orange"), (10, "red")],
        ),
        number(
            "Audit gaps",
            "Actions that must follow a message but are missing from the record, as counted by the audit's reconciler.",
            "sum(max by (gap) (safe_return_audit_gaps))",
            "audit-gap",
            limits=[(1, "red")],
        ),
    ],
)
BUS = Row(
    "Bus",
    [
        Panel(
            "Lag by service",
            "Messages on the bus that a service has not acknowledged, as reported by Kafka.",
            "sum by (group) (max without (instance, job, service) (bus_consumer_lag))",
            "consumer-lag",
            "{{group}}",
        ),
        Panel(
            "Kafka answers",
            "1 while Kafka answers the monitor.",
            "min(bus_broker_answers)",
            "kafka-away",
            "answers",
        ),
        Panel(
            "Outbox depth",
            "Messages committed but not yet published, by service.",
            "max by (service) (bus_outbox_depth)",
            "outbox-old",
            "{{service}}",
        ),
        Panel(
            "Messages handled",
            "Messages a second, by service and result. Done before: received twice, processed once.",
            "sum by (service, result) (rate(bus_messages_handled_total[$__rate_interval]))",
            "consumer-lag",
            "{{service}}, {{result}}",
            unit="ops",
        ),
        Panel(
            "Time to handle a message",
            "Time in a message's handler, before commit and publication (95th percentile).",
            share_under("bus_handling_seconds", 0.95, "service", window="$__rate_interval"),
            "consumer-lag",
            "{{service}}",
            unit="s",
        ),
        Panel(
            "Partitions waiting",
            "Partitions held up by a message that is waiting for the database or for Kafka.",
            "sum by (service) (bus_partitions_waiting)",
            "service-not-ready",
            "{{service}}",
        ),
        Panel(
            "Publishing failed",
            "Failed attempts to publish within 5 minutes. They are repeated.",
            "sum by (service) (increase(bus_publish_failures_total[5m]))",
            "kafka-away",
            "{{service}}",
        ),
        Panel(
            "Refused",
            "Messages within an hour that nobody said who may say them, by doubt. They change nothing.",
            "sum by (doubt) (increase(bus_messages_refused_total[1h]))",
            "message-refused",
            "{{doubt}}",
        ),
        Panel(
            "Published",
            "Messages a second acknowledged by Kafka, by topic.",
            "sum by (topic) (rate(bus_messages_published_total[$__rate_interval]))",
            "kafka-away",
            "{{topic}}",
            unit="ops",
        ),
        Panel(
            "Clock lateness",
            "Time from a deadline to publishing its event, over the last hour (99th percentile).",
            {
                "p99": share_under("clock_lateness_seconds", 0.99, window="1h"),
                "now": standing("deadlines_late_seconds", over="max"),
            },
            "clock-late",
            unit="s",
        ),
    ],
)
STORES = Row(
    "Stores",
    [
        Panel(
            "Database response time",
            "Time for the simplest query, which the console runs every 5 s.",
            "max(database_answer_seconds)",
            "database-away",
            "answer",
            unit="s",
        ),
        Panel(
            "Connections",
            "Connections of all services, and the number that the database allows.",
            {
                "used": standing("database_connections", over="max"),
                "allowed": standing("database_connections_most", over="max"),
            },
            "database-connections-short",
        ),
        Panel(
            "Size of the database",
            "All tables and indexes.",
            standing("database_size_bytes", over="max"),
            "database-away",
            "size",
            unit="bytes",
        ),
        Panel(
            "Inbox",
            "Messages that each service remembers as done (the database's estimate).",
            standing("inbox_messages", "owner", over="max"),
            "database-away",
            "{{owner}}",
        ),
        Panel(
            "Deadlines waiting",
            "Deadlines that are not due yet.",
            standing("deadlines_waiting", over="max"),
            "clock-late",
            "waiting",
        ),
        Panel(
            "Months ahead",
            "Months after this one for which tables that are kept by month are prepared: three, and rows that fit no month: none.",
            {
                "ahead": "min(table_months_ahead)",
                "rows outside": "max(table_rows_outside_months)",
            },
            "months-short",
        ),
        Panel(
            "State last measured",
            "Time since the console last read the state of the episodes, and since each service last counted its urgent notices. If this grows, the other dashboards are out of date.",
            {
                "{{group}}": "time() - max by (group) (standing_measured_timestamp_seconds)",
                "{{service}}, {{windows}}": "time() - max by (service, windows) (delivery_measured_timestamp_seconds)",
            },
            "standing-stale",
            unit="s",
        ),
    ],
)
PROCESSES = Row(
    "Processes",
    [
        Panel("Up", "1 while the process answers.", "min by (service) (up)", "service-down", "{{service}}"),
        Panel(
            "Obstacles by name",
            "The obstacle that each process is waiting for.",
            "max by (service, name) (process_obstacle)",
            "service-not-ready",
            "{{service}}, {{name}}",
        ),
        Panel(
            "Restarts",
            "Restarts of a process within 15 minutes.",
            "sum by (service) (changes(process_start_time_seconds[15m]))",
            "service-flapping",
            "{{service}}",
        ),
        Panel(
            "Event loop lag",
            "How late the event loop returned from a sleep. Everything in the process waits for it.",
            "max by (service) (event_loop_late_seconds)",
            "event-loop-late",
            "{{service}}",
            unit="s",
            limits=[(0.5, "red")],
        ),
        Panel(
            "CPU",
            "Cores used.",
            "sum by (service) (rate(process_cpu_seconds_total[$__rate_interval]))",
            "event-loop-late",
            "{{service}}",
        ),
        Panel(
            "Memory",
            "Resident memory.",
            "sum by (service) (process_resident_memory_bytes)",
            "event-loop-late",
            "{{service}}",
            unit="bytes",
        ),
        Panel(
            "Console delay",
            "Time from a decision until the pages can show it, over the last hour (99th percentile).",
            share_under("console_behind_seconds", 0.99, window="1h"),
            "consumer-lag",
            "p99",
            unit="s",
            limits=[(1, "red")],
        ),
        Panel(
            "Time to decide",
            "Time for the decision alone, over the last hour (99th percentile).",
            share_under("protocol_deciding_seconds", 0.99, window="1h"),
            "consumer-lag",
            "p99",
            unit="s",
        ),
    ],
)
BOARD = Board(
    "bus-and-stores",
    "Bus and stores",
    "Kafka, PostgreSQL and the processes between them: obstacles, lag and dead letters.",
    [NOW, BUS, STORES, ELSEWHERE, PROCESSES, CONSOLE],
    since="3h",
)
