"""`python -m policyd` is the command `policyd`."""

import sys

from policyd.cli.main import main

sys.exit(main())
