"""Who writes what is compared: the novel's author, the base model and the tuned one; rivals have names of their own."""

HUMAN, BASE, TUNED = "human", "base", "tuned"
