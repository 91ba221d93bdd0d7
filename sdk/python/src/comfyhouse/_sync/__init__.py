"""The synchronous client, written from `_async`."""
