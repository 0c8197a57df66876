"""The durable queue of deliveries: rows, leases, state changes."""
