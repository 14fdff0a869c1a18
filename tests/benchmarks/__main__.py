"""`./run bench`: measure, show, keep.

    ./run bench [NAME ...] [--quick] [--rounds N] [--seconds S] [--json FILE] [--docs]
    ./run bench --from FILE --docs
    ./run bench --peers
"""

import argparse
import shlex
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console

from tests.benchmarks import machine, peers_setup
from tests.benchmarks.document import write_documents
from tests.benchmarks.plan import BENCH, Plan
from tests.benchmarks.report import Report, Table
from tests.benchmarks.tables import access
from tests.benchmarks.terminal import progress, show

TABLES: dict[str, Callable[[Plan], Table]] = {"access": access.run}
