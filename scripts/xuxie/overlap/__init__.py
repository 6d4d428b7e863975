"""What two texts, or spans of one, have in common: n-grams, duplicates, leaks, characters."""
