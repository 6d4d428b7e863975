"""xuxie (续写): from a raw novel to a LoRA that continues it in its own voice."""
