"""`python -m extensions`: see `extensions.maintenance.command_line`."""

import signal
import sys

from extensions.maintenance.command_line import main

if __name__ == "__main__":
    if hasattr(signal, "SIGPIPE"):  # where `| head` may take what it wants, and no more
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    sys.exit(main())
