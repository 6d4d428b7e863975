"""From a novel's files to clean text, chapters, sentences and chunks.

Every offset counts code points of text.txt from 0, every span is half-open.
"""
