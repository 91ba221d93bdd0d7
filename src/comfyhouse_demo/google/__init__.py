"""A Google that is none: sign-in, consent, picker and Drive v3, for `up` and for tests.

It enforces what the real one enforces (scopes, visibility, limits), survives a restart, fails on
demand (`/_demo/…`), and says on every page that it is a demo. Tests hold its answers against
Google's own machine-readable description. Never part of a production image.
"""
