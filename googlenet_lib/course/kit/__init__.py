"""What two or more lessons share."""
