"""Small programs that the Makefile calls; no part of the product."""
