"""MLOps by pull request: compare a pull request's model with main's and answer promote, hold or reject."""

__version__ = "0.1.0"
