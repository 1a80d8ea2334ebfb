"""Changes pushed to those who listen."""
