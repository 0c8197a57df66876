"""The pages behind the mails of strategy."""
