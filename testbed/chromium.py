"""The system's Chromium, as tests and bench start it."""

import shutil
from typing import Final

CHROMIUM: Final = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
# Names that are not of this machine do not resolve, so that nothing could be loaded even past what a test intercepts.
ALONE: Final = (
    "--no-sandbox",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--force-prefers-reduced-motion",
)
