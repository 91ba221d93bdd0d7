"""The tests; a package, so that its files may import `tests.processes` and one another's makers."""
