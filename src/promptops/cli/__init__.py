"""What one types: thin commands that parse, call and print."""
