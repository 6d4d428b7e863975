"""Writing a story together with a tuned model, in a terminal."""
