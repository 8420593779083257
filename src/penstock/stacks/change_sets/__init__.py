"""Change sets: planned, reviewed, stored, described and executed."""
