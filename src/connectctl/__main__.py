"""`python -m connectctl`."""

import sys

from connectctl.cli import main

if __name__ == "__main__":
    sys.exit(main())
