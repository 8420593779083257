"""Resource types, one file each; `table.py` registers them."""
