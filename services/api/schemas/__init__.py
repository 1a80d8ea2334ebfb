"""What is told and asked for: the bodies of the API."""
