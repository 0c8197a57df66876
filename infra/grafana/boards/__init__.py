"""Lists the dashboards, in the order of who looks at them first."""

from infra.grafana.boards import bus_and_stores, channels, children_missing_now, duties_met, machines, promise
from infra.grafana.panel import Board

BOARDS: tuple[Board, ...] = (
    children_missing_now.BOARD,
    duties_met.BOARD,
    channels.BOARD,
    bus_and_stores.BOARD,
    machines.BOARD,
    promise.BOARD,
)
