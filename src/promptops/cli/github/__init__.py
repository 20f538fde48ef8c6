"""Verdicts on GitHub: comment, summary, annotations, issue."""
