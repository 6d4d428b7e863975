"""Ask models to continue the held-out prompts, at speed, so that a sample depends on nothing but its own prompt and seed."""
