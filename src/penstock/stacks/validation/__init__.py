"""What is found before anything is changed."""
