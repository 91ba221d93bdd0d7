"""The client. Its twin in `_sync` is written from these files by `python -m tools.sync_sdk`."""
