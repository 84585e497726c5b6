"""What the service answers to, one file a group of addresses."""
