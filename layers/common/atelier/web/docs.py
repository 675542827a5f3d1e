"""The docs page: one file that loads nothing from anywhere, under a policy that lets it run nothing else."""

import base64
import hashlib
import re
from functools import cache
from importlib.resources import files


@cache
def page() -> str:
    """The page."""
    return (files("atelier.web") / "docs.html").read_text()


@cache
def policy() -> str:
    """The Content-Security-Policy that allows exactly the page's own script and style."""
    return "; ".join(
        (
            "default-src 'none'",
            "base-uri 'none'",
            "connect-src 'self'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            "img-src 'self' data:",
            f"script-src {_hash('script')}",
            f"style-src {_hash('style')}",
        )
    )


def _hash(element: str) -> str:
    (text,) = re.findall(rf"<{element}>(.*?)</{element}>", page(), re.DOTALL)
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
