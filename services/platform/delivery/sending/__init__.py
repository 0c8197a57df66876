"""The sending loop: claims deliveries and sends them, lane by lane."""
