"""Base models: where their weights come from, how they are loaded, and how likely they find a text."""
