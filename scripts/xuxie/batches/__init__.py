"""More novels than one run can plan, in batches: each a run of its own, and their results merged."""
