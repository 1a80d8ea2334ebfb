"""What the services share: domain (arithmetic), contracts (bytes), doors (storage, messaging), runtime."""
