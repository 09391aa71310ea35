"""`python -m training`."""

from __future__ import annotations

import sys

from bharnet_ros.interrupts import quiet_while_loading

if __name__ == "__main__":
    quiet_while_loading()
    from training.cli import main

    sys.exit(main())
