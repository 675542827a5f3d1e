"""What the emulator, and with it every handler, sees of this machine."""

import os
from collections.abc import Mapping

from local.template import REGION

LOOPBACK = "127.0.0.1"

# What a handler may see of this machine: what a process needs to run, and nothing that looks like an account or a key.
KEPT = (
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "TZ",
    "TMPDIR",
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "HTTP_PROXY",
    "HTTPS_PROXY",
)


def environment(ours: Mapping[str, str], *, port: int) -> dict[str, str]:
    """The environment of an emulator at this port, which its handlers inherit, made from the one of this process."""
    return {
        **{name: ours[name] for name in KEPT if name in ours},
        "GATEWAY_PORT": str(port),
        "BIND_HOST": LOOPBACK,
        "MINISTACK_HOST": LOOPBACK,
        "MINISTACK_REGION": REGION,
        "LAMBDA_EXECUTOR": "local",
        # A function may do here what its role in the template allows, and nothing else.
        "AUTH": "true",
        # It would refuse with 429 above a number that depends on the machine's memory; the edge makes requests wait.
        "LAMBDA_ACCOUNT_CONCURRENCY": "0",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "LOG_LEVEL": "WARNING",
        # No credentials, profile or metadata service of this machine, and no proxy on the way to ourselves.
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": f"{LOOPBACK},localhost",
        "PYTHONUTF8": "1",
    }
