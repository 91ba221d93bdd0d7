"""The command `comfyhouse`. Needs the extra `cli`: pip install 'comfyhouse[cli]'."""
