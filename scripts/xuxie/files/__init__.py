"""Files that the stages hand on: rows of JSON and the novel's text."""
