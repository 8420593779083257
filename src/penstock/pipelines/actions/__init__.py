"""Action providers, one file each."""
