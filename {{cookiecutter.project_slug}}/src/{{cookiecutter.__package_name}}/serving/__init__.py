"""The parts of the service: it reads rows, predicts, measures, logs and refuses, without pandas or scikit-learn."""
