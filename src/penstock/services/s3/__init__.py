"""S3: buckets and objects, their contents in files and everything else in the database."""
