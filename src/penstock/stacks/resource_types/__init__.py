"""Resource types, one file each; `registration.py` beside this folder registers them."""
