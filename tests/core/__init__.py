"""What holds with every option left out."""
