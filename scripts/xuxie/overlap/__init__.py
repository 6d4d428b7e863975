"""What two texts have in common: n-grams, duplicates, leaks."""
