"""From kept pairs to the Alpaca files that LLaMA-Factory reads, with every pair accounted for."""
