"""What `penstock demo` does: a server of its own, the example's road, and their removal."""
