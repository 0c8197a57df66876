"""The pure engine: one function, `decide`. Same history, facts, protocol and time, same decisions. No input or output, no clock."""
