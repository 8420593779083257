"""Scripts and files that the product's own images are made of; `images.py` lists the images."""
