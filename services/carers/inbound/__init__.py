"""Takes texts in: Twilio's webhooks, and the disk that keeps texts while the database is away."""
