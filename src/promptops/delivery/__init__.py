"""Whether a change may happen, and carrying it out."""
