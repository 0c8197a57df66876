"""The field's language: events, duties, outcomes, roles, identifiers, working time. Pure: no I/O, no clock."""
