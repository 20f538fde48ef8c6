"""What is live: pointers, history, the moves on them, and the stores that keep them."""
