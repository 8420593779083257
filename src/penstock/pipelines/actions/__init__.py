"""Action providers, one file each; `table.py` registers them."""
