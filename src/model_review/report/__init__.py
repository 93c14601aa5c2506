"""Reports: a comparison and its verdict in, Markdown or HTML out. Nothing here computes a number."""
