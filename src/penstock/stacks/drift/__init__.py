"""What differs between a stack and what is really there."""
