"""Files that the stages pass on: rows of JSON and the novel's text."""
