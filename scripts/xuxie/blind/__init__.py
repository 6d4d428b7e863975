"""Blind reading: a page on which people choose between continuations, and what their votes come to."""
