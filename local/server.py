"""The emulator's process: `python -m local.server`, started and owned by `emulator`.

It lives on its standard input. One line opens the edge; the end of input, which also comes when the owner is killed,
ends this process, every process it started, and its folder. So nothing can outlive a local run.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import threading
from argparse import ArgumentParser
from pathlib import Path

# What removes the folder must outlive every process that could still write into it, so it is none of them.
LAST_WORDS = 'kill -9 "-$0"; rm -rf -- "$1" || { sleep 1; rm -rf -- "$1"; }'


def main() -> None:
    """Serve until standard input ends."""
    options = _options().parse_args()
    home = _make_home()
    loop = asyncio.new_event_loop()
    opened = asyncio.Event()
    threading.Thread(target=_obey, args=(home, loop, opened), daemon=True).start()
    try:
        _redirect_output(home)
    except BrokenPipeError:  # the owner was killed just now
        _end(home)
    # Imported now: the emulator reads its settings, its folder among them, when it is imported.
    from local.serving import serve  # noqa: PLC0415

    loop.run_until_complete(serve(options, home, opened))


def _options() -> ArgumentParser:
    parser = ArgumentParser()
    parser.add_argument("--endpoint", type=int, required=True, help="listening socket for AWS clients")
    parser.add_argument("--edge", type=int, required=True, help="listening socket for the API")
    parser.add_argument("--api-id", required=True)
    parser.add_argument("--host", required=True, help="host and port of the edge")
    parser.add_argument("--at-once", type=int, required=True, help="requests that the edge lets in at a time")
    return parser


def _make_home() -> Path:
    """A folder for everything that this process and its children write."""
    home = tempfile.mkdtemp(prefix="atelier-local-")
    os.environ["TMPDIR"] = tempfile.tempdir = home
    return Path(home)


def _redirect_output(home: Path) -> None:
    """Tell the owner where the folder is; from then on, write into it."""
    print(json.dumps({"home": str(home)}), flush=True)
    log = os.open(home / "emulator.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, sys.stdout.fileno())
    os.dup2(log, sys.stderr.fileno())


def _obey(home: Path, loop: asyncio.AbstractEventLoop, opened: asyncio.Event) -> None:
    for line in sys.stdin:
        if line.strip() == "open":
            loop.call_soon_threadsafe(opened.set)
    _end(home)


def _end(home: Path) -> None:
    subprocess.run(["/bin/sh", "-c", LAST_WORDS, str(os.getpgrp()), str(home)], start_new_session=True, check=False)


if __name__ == "__main__":
    main()
