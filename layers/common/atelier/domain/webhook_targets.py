"""Allowed webhook targets: https and public addresses only.

The same rule twice: on the text when a task is created, and on every address that the name resolves to right before
a delivery, because a name can mean another address by then.
"""

import ipaddress
import re
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from stringprep import in_table_a1
from typing import Final
from urllib.parse import SplitResult, quote, urlsplit

_PRINTABLE: Final = re.compile(r"[!-~]+")
_LABEL: Final = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME: Final = re.compile(rf"(?=.{{1,253}}$)({_LABEL}\.)*{_LABEL}")
# Resolvers read a name that ends in a number as an address: 127.1, 0177.0.0.1, 0x7f.1 and 2130706433 are 127.0.0.1.
_NUMBER: Final = re.compile(r"(.*\.)?(\d+|0x[0-9a-f]*)")
_LOCAL_NAMES: Final = ("localhost", "localdomain", "local", "internal", "home.arpa")

# All that is routed on the internet is in the first of these; the others are within it, and lead elsewhere. They are
# here because the library's own idea of what is global is not the same in every version of Python.
_UNICAST: Final = IPv6Network("2000::/3")
_NOT_PUBLIC_V6: Final = (IPv6Network("2001::/23"), IPv6Network("2002::/16"), IPv6Network("3fff::/20"))
_NOT_PUBLIC_V4: Final = (IPv4Network("192.0.0.0/24"),)
# IPv6 addresses that stand for an IPv4 one: IPv4-mapped, and NAT64's well-known prefix.
_STANDS_FOR_V4: Final = (IPv6Network("::ffff:0:0/96"), IPv6Network("64:ff9b::/96"))

SCHEMES: Final[Mapping[str, int]] = {"https": 443, "http": 80}
"""What a webhook may be sent by, and the port if none is named."""


# Four characters stand for other names in today's IDNA than in the version that Python has, and whoever else is new
# since Unicode 3.2 it does not know: such names have to be given in ASCII, so that nobody else's is ever meant.
_OTHERWISE_TODAY: Final = frozenset("\u00df\u03c2\u200c\u200d")
_AUTHORITY: Final = re.compile(r"([^/?#:@\[\]\\]+)(:[0-9]+)?(?=[/?#]|\Z)")


def ascii_url(url: str) -> str:
    """The URL with an international host in its ASCII form (`xn--...`), and a path in percent-encoding.

    Raises ValueError for one that cannot be written so, or that could mean another host.
    """
    if url.isascii():
        return url
    scheme, _, rest = url.partition("://")
    authority = _AUTHORITY.match(rest)
    host = _ascii_host(authority[1]) if authority else None
    if authority is None or host is None:
        raise ValueError("must be a URL; write its host in ASCII (xn--...)")
    path = "".join(each if each.isascii() else quote(each) for each in rest[authority.end() :])
    return f"{scheme}://{host}{authority[2] or ''}{path}"


def _ascii_host(host: str) -> str | None:
    if host.isascii():
        return host
    if any(letter in _OTHERWISE_TODAY or in_table_a1(letter) for letter in host):
        return None
    try:
        name = host.encode("idna").decode()
    except UnicodeError:
        return None
    return name if _NAME.fullmatch(name.lower().removesuffix(".")) else None


def webhook_url_error(url: str, *, private: bool = False) -> str | None:
    """What is wrong with a webhook URL, or None. `private` allows http and private addresses (local run only)."""
    parts = _parts(url)
    if parts is None:
        return "is not a URL"
    if parts.scheme not in (SCHEMES if private else ("https",)):
        return "must be an https URL"
    if "@" in parts.netloc:
        return "must not contain credentials"
    if not _names_a_host(parts):
        return "is not a URL"
    return None if private or is_public(parts.hostname or "") else "must not name a private address"


def _parts(url: str) -> SplitResult | None:
    # A backslash is a slash to some readers, so that they would find another host.
    if not _PRINTABLE.fullmatch(url) or "\\" in url:
        return None
    try:
        parts = urlsplit(url)
        no_such_port = parts.port == 0
    except ValueError:
        return None
    return None if no_such_port else parts


def _names_a_host(parts: SplitResult) -> bool:
    """Whether there is a host, with nothing beside it but a port, so that nobody can take it for another one."""
    host = parts.hostname or ""
    is_address = _is_address(host)
    authority = f"[{host}]" if is_address and ":" in host else host
    may_be_one = is_address or _NAME.fullmatch(host.removesuffix("."))
    return bool(may_be_one) and parts.netloc.lower() in (authority, f"{authority}:{parts.port}")


def _is_address(host: str) -> bool:
    try:
        return bool(ipaddress.ip_address(host))
    except ValueError:
        return False


def is_public(host: str) -> bool:
    """Whether a host in a URL may be one of the public internet: an address that is, or a name that may be."""
    if _is_address(host):
        return is_public_address(host)
    name = host.removesuffix(".").lower()
    is_local = any(name == local or name.endswith(f".{local}") for local in _LOCAL_NAMES)
    return "." in name and not is_local and _NUMBER.fullmatch(name) is None


def is_public_address(address: str) -> bool:
    """Whether an IP address is one of the public internet. Raises ValueError for what is none."""
    found = ipaddress.ip_address(address)
    if isinstance(found, IPv4Address):
        return _is_public_v4(found)
    if found.scope_id is not None:
        return False
    if any(found in network for network in _STANDS_FOR_V4):
        return _is_public_v4(IPv4Address(int(found) & 0xFFFFFFFF))
    return _is_public_v6(found)


def _is_public_v4(address: IPv4Address) -> bool:
    elsewhere = any(address in network for network in _NOT_PUBLIC_V4)
    return address.is_global and not address.is_multicast and not elsewhere


def _is_public_v6(address: IPv6Address) -> bool:
    elsewhere = any(address in network for network in _NOT_PUBLIC_V6)
    return address in _UNICAST and address.is_global and not elsewhere
