"""Tables, verdicts and pictures of results within pages that people write: Markdown with blocks that results fill."""
