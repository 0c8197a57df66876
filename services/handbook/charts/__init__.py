"""Charts: what one event sets off, drawn."""
