"""Statistics of paired differences: arrays in, estimates out. Knows nothing of files, reports or GitHub."""
