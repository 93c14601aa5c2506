"""A running service, asked from outside whether it is ready, right, strict and fast."""
