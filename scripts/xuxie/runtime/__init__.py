"""What a job runs in: its environment, its log, and the libraries that need a hand."""
