"""The POSIX shell agent that runs inside build containers."""
