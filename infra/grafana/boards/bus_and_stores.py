"""For operators: Kafka, PostgreSQL and the processes between them."""

from infra.grafana.boards.console_and_record import CONSOLE
from infra.grafana.panel import Board, Panel, Row, number, share_under, standing

NOW = Row(
    "Now",
    [
        number(
            "Services up",
            "Processes that answer Prometheus, of those that it asks.",
            "sum(up) / count(up)",
            "service-down",
            unit="percentunit",
        ),
        number(
            "What stands in the way",
            "Things that processes wait for, as readiness says. A process that waits loses nothing.",
            "sum(process_obstacle)",
            "service-not-ready",
            limits=[(1, "red")],
        ),
        number(
            "Dead letters",
            "Messages given up on within a week that nobody has sent again. A person is told of each that is about a child.",
            standing("dead_letters_open"),
            "dead-letter",
            limits=[(1, "red")],
        ),
        number(
            "Oldest unpublished",
            "Age of the oldest message committed and not yet on the bus.",
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
            "Expected by the frozen protocol and not found, as the audit's reconciler counts them.",
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
            "Messages on the bus that a service has not acknowledged, asked of Kafka from outside.",
            "sum by (group) (max without (instance, job, service) (bus_consumer_lag))",
            "consumer-lag",
            "{{group}}",
        ),
        Panel(
            "Kafka answers",
            "1 while Kafka answers the watch.",
            "min(bus_broker_answers)",
            "kafka-away",
            "answers",
        ),
        Panel(
            "Outbox depth",
            "Messages committed and not yet published, by service.",
            "max by (service) (bus_outbox_depth)",
            "outbox-old",
            "{{service}}",
        ),
        Panel(
            "Messages handled",
            "Messages a second, by service and what came of them. Done before: heard twice, done once.",
            "sum by (service, result) (rate(bus_messages_handled_total[$__rate_interval]))",
            "consumer-lag",
            "{{service}}, {{result}}",
            unit="ops",
        ),
        Panel(
            "Time to handle a message",
            "What a message's handler takes, before the commit and the publication: 95 in 100 stayed under this.",
            share_under("bus_handling_seconds", 0.95, "service", window="$__rate_interval"),
            "consumer-lag",
            "{{service}}",
            unit="s",
        ),
        Panel(
            "Partitions that wait",
            "Partitions held by a message that waits for the database or for Kafka.",
            "sum by (service) (bus_partitions_waiting)",
            "service-not-ready",
            "{{service}}",
        ),
        Panel(
            "Publishing failed",
            "Attempts to publish that failed and are repeated, within 5 minutes.",
            "sum by (service) (increase(bus_publish_failures_total[5m]))",
            "kafka-away",
            "{{service}}",
        ),
        Panel(
            "Published",
            "Messages a second that Kafka has acknowledged, by topic.",
            "sum by (topic) (rate(bus_messages_published_total[$__rate_interval]))",
            "kafka-away",
            "{{topic}}",
            unit="ops",
        ),
        Panel(
            "Clock's lateness",
            "From a deadline's time to handing its event over: 99 in 100 of the last hour stayed under this.",
            {
                "99 in 100": share_under("clock_lateness_seconds", 0.99, window="1h"),
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
            "Database answers within",
            "How long the simplest question took, as the console asks it every 5 s.",
            "max(database_answer_seconds)",
            "database-away",
            "answer",
            unit="s",
        ),
        Panel(
            "Connections",
            "Of all services, and how many the database allows.",
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
            "Messages that each service remembers having done, as the database estimates.",
            standing("inbox_messages", "owner", over="max"),
            "database-away",
            "{{owner}}",
        ),
        Panel(
            "Deadlines waiting",
            "Deadlines that wait for their time.",
            standing("deadlines_waiting", over="max"),
            "clock-late",
            "waiting",
        ),
        Panel(
            "What stands was read",
            "Seconds since the console last read how all stands. If this grows, the other pages show the past.",
            "time() - max(standing_measured_timestamp_seconds)",
            "standing-stale",
            "ago",
            unit="s",
            limits=[(60, "red")],
        ),
    ],
)
PROCESSES = Row(
    "Processes",
    [
        Panel("Up", "1 while the process answers.", "min by (service) (up)", "service-down", "{{service}}"),
        Panel(
            "In the way, by name",
            "What each process waits for.",
            "max by (service, name) (process_obstacle)",
            "service-not-ready",
            "{{service}}, {{name}}",
        ),
        Panel(
            "Restarts",
            "How often a process began anew within 15 minutes.",
            "sum by (service) (changes(process_start_time_seconds[15m]))",
            "service-flapping",
            "{{service}}",
        ),
        Panel(
            "Event loop late by",
            "How much later than asked the loop came back from a sleep. All of a process waits for it.",
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
            "Console behind by",
            "From a decision to the moment the pages can show it: 99 in 100 of the last hour stayed under this.",
            share_under("console_behind_seconds", 0.99, window="1h"),
            "consumer-lag",
            "99 in 100",
            unit="s",
            limits=[(1, "red")],
        ),
        Panel(
            "Time to decide",
            "The pure decision alone: 99 in 100 of the last hour stayed under this.",
            share_under("protocol_deciding_seconds", 0.99, window="1h"),
            "consumer-lag",
            "99 in 100",
            unit="s",
        ),
    ],
)
BOARD = Board(
    "bus-and-stores",
    "Bus and stores",
    "Kafka, PostgreSQL and the processes between them: what waits, what is behind, what was given up.",
    [NOW, BUS, STORES, PROCESSES, CONSOLE],
    since="3h",
)
