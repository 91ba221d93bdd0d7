"""`python -m comfyhoused`."""

from comfyhoused.cli import main

main()
