"""What an adapter is worth, in numbers: one module for each metric, each with the human text's own figure beside it."""
