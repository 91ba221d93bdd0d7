"""The operator's own judge of content: an address or a program."""
