"""Training with LLaMA-Factory's own command: its arguments, the gates before it, the launcher around it, the record after it."""
