"""The web pages of the API product."""
