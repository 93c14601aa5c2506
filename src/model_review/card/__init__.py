"""Model card and technical documentation: a run's JSON and a person's sentences in, Markdown out."""
