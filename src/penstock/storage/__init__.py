"""What survives a restart: the database, log files, content files and the data directory."""
