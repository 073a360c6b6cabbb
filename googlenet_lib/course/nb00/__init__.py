"""What notebook 00 alone needs."""
