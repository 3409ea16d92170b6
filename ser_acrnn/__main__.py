"""`python -m ser_acrnn` is `ser-acrnn`."""

import sys

from ser_acrnn.cli import main

sys.exit(main())
