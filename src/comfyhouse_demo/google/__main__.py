"""`python -m comfyhouse_demo.google`."""

import sys

from comfyhouse_demo.google.command import main

if __name__ == "__main__":
    sys.exit(main())
