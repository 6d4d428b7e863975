"""From chunks to scored (prompt, completion) pairs that are verbatim spans of the novel."""
