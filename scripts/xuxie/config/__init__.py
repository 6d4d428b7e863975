"""The configuration: completed with defaults, checked, and resolved once into what rules and scripts ask."""
