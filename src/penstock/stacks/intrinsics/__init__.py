"""The intrinsic functions of templates, one module each; `table.py` lists them."""
