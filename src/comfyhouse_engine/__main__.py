"""`python -m comfyhouse_engine`."""

import sys

from comfyhouse_engine.cli import main

sys.exit(main())
