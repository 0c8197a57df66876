"""Acts of operators: carried out once, on the record, with what they bring about."""
