"""How a model is talked to, in training, sampling and evaluation alike."""
