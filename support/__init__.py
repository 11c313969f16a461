"""What the steps of the experiment stand on: settings, files, command line, streams, processes."""

import os
import sys


def stopped(kind, value, trace) -> None:
    """Whoever stops a script while its modules load is told what `cli.run` would say."""
    if not issubclass(kind, KeyboardInterrupt):
        return sys.__excepthook__(kind, value, trace)
    print("\nstopped; run the same command again to go on", file=sys.stderr, flush=True)
    os._exit(130)


sys.excepthook = stopped
