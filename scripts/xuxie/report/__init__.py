"""The page a person opens first: everything that a run has found out, in one file that asks nothing of the network."""
