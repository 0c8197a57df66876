"""Mail that comes in: taken over SMTP, parsed, classified and handled."""
