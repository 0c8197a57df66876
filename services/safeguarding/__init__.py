"""The field's language: events, duties, outcomes, roles, identifiers, working time. Pure: no input or output, no clock."""
