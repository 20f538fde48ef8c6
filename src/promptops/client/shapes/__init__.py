"""The shapes in which providers take a request: one file for each SDK's call."""
