"""Files: pictures sent in, results that jobs made."""
