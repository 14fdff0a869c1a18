"""The entry of `python -m policyd_audit`."""

import sys

from policyd_audit.cli import main

sys.exit(main())
