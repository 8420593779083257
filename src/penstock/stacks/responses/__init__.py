"""What comes in from outside: answers to custom resources, signals, and their addresses."""
