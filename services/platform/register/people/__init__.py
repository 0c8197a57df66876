"""People: numbers and addresses, roles, duty lines, reporters and operators."""
