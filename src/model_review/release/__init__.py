"""From a pushed image to production and back: tags, labels, the promotion log, MLflow's alias."""
