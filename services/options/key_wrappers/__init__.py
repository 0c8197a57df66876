"""Keys of authorities that are wrapped outside: by a hardware security module, or by AWS KMS."""
