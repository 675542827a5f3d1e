"""Where webhooks may go, asked with everything that has ever been used to reach what is inside."""

import ipaddress
from ipaddress import IPv4Address, IPv6Address
from typing import Any, Final

import idna
import pytest
from hypothesis import given
from hypothesis import strategies as st

from atelier.domain.webhook_targets import ascii_url, is_public_address, webhook_url_error

NO_URL: Final = "is not a URL"
PRIVATE: Final = "must not name a private address"
NOT_HTTPS: Final = "must be an https URL"
CREDENTIALS: Final = "must not contain credentials"

PUBLIC_NAMES: Final = [
    "https://receiver.example/hooks",
    "https://receiver.example",
    "https://receiver.example.:8443/a/b?c=d&e=%20#f",
    "https://a-b.c_d.xn--bcher-kva.example/",
    "HTTPS://Receiver.Example/",
    "https://93.184.216.34/",
    "https://93.184.216.34:8443/",
    "https://[2606:4700:4700::1111]/",
    "https://[2606:4700:4700::1111]:8443/",
    "https://[::ffff:93.184.216.34]/",
    "https://localhost.example/",
    "https://internal.example/",
    "https://1.receiver.example/",
    f"https://{'a' * 63}.example/",
]
LOCAL: Final = [
    "localhost",
    "LOCALHOST",
    "localhost.",
    "sub.localhost",
    "localhost.localdomain",
    "printer.local",
    "ip-10-0-0-1.ec2.internal",
    "metadata.google.internal",
    "router.home.arpa",
    "intranet",
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "127.255.255.254",
    "0177.0.0.1",
    "0177.0000.0000.0001",
    "0x7f.0.0.1",
    "0x7f.1",
    "0x7f000001",
    "0X7F000001",
    "a.0x",
    "2130706433",
    "017700000001",
    "3232235521",
    "127.0.0.1.",
    "999.999.999.999",
    "1.2.3",
    "0.0.0.0",  # noqa: S104 - to be refused, not bound to
    "0",
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.0.1",
    "100.64.0.1",
    "169.254.169.254",
    "169.254.170.2",
    "192.0.0.9",
    "192.0.0.192",
    "192.0.2.1",
    "198.18.0.1",
    "203.0.113.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "[::]",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::127.0.0.1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::ffff:169.254.169.254]",
    "[64:ff9b::127.0.0.1]",
    "[64:ff9b::a9fe:a9fe]",
    "[64:ff9b:1::1]",
    "[2002:7f00:1::]",
    "[2002:a9fe:a9fe::1]",
    "[2001:0:7f00:1::]",
    "[fe80::1]",
    "[fec0::1]",
    "[fc00::1]",
    "[fd00:ec2::254]",
    "[ff02::1]",
    "[2001:db8::1]",
    "[3fff::1]",
    "[5f00::1]",
    "[100::1]",
]
NO_HOSTS: Final = [
    "",
    ":443",
    "receiver.example:0",
    "receiver.example:65536",
    "receiver.example:x",
    "receiver.example:",
    "receiver.example:443:80",
    "receiver.example:0443",
    "receiver..example",
    ".receiver.example",
    "receiver.example..",
    "-receiver.example",
    "*.example",
    "receiver.example,localhost",
    "receiver%2eexample",
    "%6c%6f%63alhost",
    "127.0.0.1%2f.example",
    "127。0。0。1",
    "127。0.0.1",
    "①②⑦.0.0.1",
    "ⓛocalhost",
    "bücher.example",
    "local\u00adhost",
    "receiver.example\\@127.0.0.1",
    "127.0.0.1\\.receiver.example",
    "receiver.example\t",
    "receiver.example\n.localhost",
    "receiver.example ",
    "[::1",
    "::1",
    "[127.0.0.1]",
    "[::1].receiver.example",
    "[2606:4700:4700::1111].receiver.example",
    "[2606:4700:4700::1111]8443",
    "[v1.x]",
    f"{'a' * 64}.example",
    ".".join(["a" * 60] * 5),
]


@pytest.mark.parametrize("url", PUBLIC_NAMES)
def test_public_addresses_are_accepted(url: str) -> None:
    assert webhook_url_error(url) is None


@pytest.mark.parametrize("host", LOCAL)
def test_internal_addresses_are_refused_in_any_notation(host: str) -> None:
    assert webhook_url_error(f"https://{host}/") == PRIVATE
    assert webhook_url_error(f"https://{host}:8443/hooks") == PRIVATE


@pytest.mark.parametrize("host", NO_HOSTS)
@pytest.mark.parametrize("private", [False, True])
def test_an_ambiguous_url_is_refused(host: str, private: bool) -> None:
    assert webhook_url_error(f"https://{host}/", private=private) == NO_URL


@pytest.mark.parametrize(
    "authority",
    ["me@receiver.example", "me:secret@receiver.example", "@receiver.example", ":@receiver.example", "a@b@localhost"],
)
def test_no_credentials_are_sent_along(authority: str) -> None:
    assert webhook_url_error(f"https://{authority}/") == CREDENTIALS


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("https://127.0.0.1#@receiver.example/", PRIVATE),
        ("https://127.0.0.1?@receiver.example/", PRIVATE),
        ("https://127.0.0.1/@receiver.example/", PRIVATE),
        ("https://receiver.example@127.0.0.1/", CREDENTIALS),
        ("https://receiver.example%40127.0.0.1/", NO_URL),
        ("https:/\\127.0.0.1/", NO_URL),
        ("https:///127.0.0.1/", NO_URL),
        ("https:127.0.0.1", NO_URL),
        ("https://[fe80::1%25eth0]/", PRIVATE),
        ("https://[2606:4700:4700::1111%25eth0]/", PRIVATE),
        ("https://receiver.example/\r\nx-evil: yes", NO_URL),
        (" https://receiver.example/", NO_URL),
        ("https://receiver.example/ ", NO_URL),
        ("https://receiver.example/bücher", NO_URL),
        ("", NO_URL),
        ("receiver.example/hooks", NOT_HTTPS),
        ("//receiver.example/hooks", NOT_HTTPS),
        ("http://receiver.example/", NOT_HTTPS),
        ("ftp://receiver.example/", NOT_HTTPS),
        ("file:///etc/passwd", NOT_HTTPS),
        ("gopher://127.0.0.1/", NOT_HTTPS),
        ("javascript:alert(1)", NOT_HTTPS),
    ],
)
def test_deceptive_urls_are_refused_with_their_reason(url: str, fault: str) -> None:
    assert webhook_url_error(url) == fault


@pytest.mark.parametrize("url", ["http://localhost:8080/hooks", "http://127.0.0.1:1/", "https://[::1]/", "http://me/"])
def test_the_local_run_may_call_local_addresses(url: str) -> None:
    assert webhook_url_error(url, private=True) is None
    assert webhook_url_error(url) is not None


def test_the_local_run_calls_http_only() -> None:
    assert webhook_url_error("ftp://localhost/", private=True) == NOT_HTTPS


# --------------------------------------------------------------------------------------------------- addresses


def own(version: str, name: str) -> Any:
    """One of the tables of the standard library's `ipaddress`."""
    return getattr(getattr(ipaddress, f"_IPv{version}Constants"), name)


# What the library's private networks have in them that it does not call private is not what this is about.
V4: Final = [*own("4", "_private_networks"), own("4", "_multicast_network"), own("4", "_reserved_network")]
V6: Final = [
    *own("6", "_private_networks"),
    *[each for each in own("6", "_reserved_networks") if not each.overlaps(ipaddress.ip_network("64:ff9b::/96"))],
    own("6", "_multicast_network"),
    own("6", "_sitelocal_network"),
    own("6", "_linklocal_network"),
]


def some_address_in(networks: list[Any]) -> st.SearchStrategy[Any]:
    return st.sampled_from(networks).flatmap(lambda network: st.ip_addresses(network=network))


@given(some_address_in(V4))
def test_no_private_ipv4_address_passes_in_any_form(address: IPv4Address) -> None:
    """By itself or within an IPv6 address."""
    number = int(address)
    forms = [
        address,
        IPv6Address(number),
        IPv6Address(f"::ffff:{address}"),
        IPv6Address(f"64:ff9b::{address}"),
        IPv6Address(0x2002 << 112 | number << 80),
        IPv6Address(0x20010000 << 96 | number),
    ]
    assert not any(is_public_address(str(each)) for each in forms)


@given(some_address_in(V6))
def test_no_private_ipv6_address_passes(address: IPv6Address) -> None:
    stands_for = address.ipv4_mapped
    assert not is_public_address(str(address)) or (stands_for is not None and is_public_address(str(stands_for)))


@given(st.ip_addresses())
def test_only_what_the_library_calls_global_passes(address: IPv4Address | IPv6Address) -> None:
    if is_public_address(str(address)):
        seen = getattr(address, "ipv4_mapped", None) or address
        assert seen.is_global
        assert not seen.is_multicast


@given(st.ip_addresses(v=4))
def test_an_embedded_ipv4_address_is_judged_as_itself(address: IPv4Address) -> None:
    """As public within an IPv6 address as it is alone."""
    expected = is_public_address(str(address))
    assert is_public_address(f"::ffff:{address}") is expected
    assert is_public_address(f"64:ff9b::{address}") is expected


@pytest.mark.parametrize("address", ["2606:4700:4700::1111%eth0", "fe80::1%lo"])
def test_an_address_of_one_network_card_is_not_public(address: str) -> None:
    assert not is_public_address(address)


@pytest.mark.parametrize("text", ["", "receiver.example", "127.1", "1.2.3.4.5"])
def test_an_invalid_webhook_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="does not appear"):
        is_public_address(text)


# ------------------------------------------------------------------------------------------- international hosts


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("https://bücher.example/hook", "https://xn--bcher-kva.example/hook"),
        ("https://BÜCHER.example:8443", "https://xn--bcher-kva.example:8443"),
        ("https://bu\u0308cher.example/", "https://xn--bcher-kva.example/"),
        ("https://例え.テスト/a?b=c#d", "https://xn--r8jz45g.xn--zckzah/a?b=c#d"),
        ("https://पहला.example/", "https://xn--n2bquv.example/"),
        ("https://bücher。example/", "https://xn--bcher-kva.example/"),
        (
            "https://receiver.example/grüße?für=日本",
            "https://receiver.example/gr%C3%BC%C3%9Fe?f%C3%BCr=%E6%97%A5%E6%9C%AC",
        ),
        ("https://ｒｅｃｅｉｖｅｒ.example/", "https://receiver.example/"),
    ],
)
def test_an_international_host_is_kept_in_its_ascii_form(given: str, meant: str) -> None:
    assert ascii_url(given) == meant
    assert webhook_url_error(meant) is None


@pytest.mark.parametrize(
    "url",
    [
        "https://straße.example/",
        "https://σοφός.example/",
        "https://نامه\u200cای.example/",
        "https://\u1e9e.example/",
        f"https://{'ü' * 64}.example/",
        "https://ü..example/",
        "https://us\u00e9r@receiver.example/",
        "https://bü＠receiver.example/",
        "https://receiver.example／@bücher.example/",
        "https://bü\\cher.example/",
        "https://[ü]/",
        "bücher.example",
        "https:///ü",
        "https://\u2028.example/",
    ],
)
def test_an_ambiguous_host_must_be_ascii(url: str) -> None:
    """One that could be read otherwise."""
    with pytest.raises(ValueError, match="xn--"):
        ascii_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://ⓛocalhost/",
        "https://１２７.0.0.1/",
        "https://127。0。0。1/",
        "https://①27.1/",
        "https://ｍetadata.google.internal/",
        "https://２１３０７０６４３３/",
        "https://printer．local/",
    ],
)
def test_hosts_that_normalise_to_private_ones_are_refused(url: str) -> None:
    assert webhook_url_error(ascii_url(url)) == PRIVATE


@given(st.text(max_size=20) | st.text("äöüéñ例えテスト.。aB-ßς\u200dⅣ①", max_size=20))
def test_an_international_host_means_what_it_means_to_browsers(host: str) -> None:
    try:
        url = ascii_url(f"https://{host}/")
    except ValueError:
        return
    assert url.isascii() or "/" in host
    if webhook_url_error(url) is None and host.isprintable() and not set("/?#@:") & set(host):
        try:
            expected = idna.encode(host, uts46=True, transitional=False).decode()
        except idna.IDNAError:
            return
        assert url == f"https://{host if host.isascii() else expected}/"
