"""Workflows that an owner keeps with us under a name, with typed inputs."""
