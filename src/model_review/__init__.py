"""The engine: compares the runs of two models and says promote, hold or reject."""
