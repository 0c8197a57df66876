"""The pure engine: one function, `decide`. The same history, facts, protocol and time give the same decision."""
