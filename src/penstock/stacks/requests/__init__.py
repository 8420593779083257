"""From a request and its template to what is wanted of a stack."""
