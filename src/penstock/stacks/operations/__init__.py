"""How a plan is carried out, undone and continued; what an operation has stored."""
