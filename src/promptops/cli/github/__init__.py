"""The verdict of a gate on GitHub: comment, summary, annotations."""
