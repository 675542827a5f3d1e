"""Say in one line that this Python is too old, before anything is installed with it."""

import sys

NEEDED = (3, 11)

if sys.version_info < NEEDED:
    found = ".".join(str(part) for part in sys.version_info[:3])
    sys.exit(
        "atelier needs Python %d.%d or newer; %s is %s. Choose another with `make PYTHON=python3.12 run`."
        % (*NEEDED, sys.executable, found)
    )
