"""Metrics: what each one is, and its value for one model's answers. Knows nothing of files or reports."""
