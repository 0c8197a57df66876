"""The pages behind a professional's mail, and Twilio's reports."""
