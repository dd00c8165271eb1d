"""`python -m extensions`: see `extensions.maintenance.command_line`."""

import signal
import sys

from extensions.maintenance.command_line import main

if __name__ == "__main__":
    if hasattr(signal, "SIGPIPE"):  # so that `| head` may close the pipe early
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    sys.exit(main())
