"""`python -m ser_acrnn.cli` is `ser-acrnn`."""

import sys

from ser_acrnn.cli import main

sys.exit(main())
