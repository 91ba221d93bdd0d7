"""Watching sources: who looks when, what a look does, and what Google tells us by itself."""
