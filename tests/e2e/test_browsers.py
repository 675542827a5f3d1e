"""What a browser needs of a finished file: CORS of the bucket, as the template says, ranges, a name, a thumbnail."""

import httpx

from tests.e2e.conftest import Finish

ORIGIN = "http://localhost:3000"  # the local run answers pages of this machine only


def test_a_browser_may_fetch_what_an_output_leads_to(api: httpx.Client, finish: Finish) -> None:
    task = finish(api.post("/generate/image", json={"prompt": "A boat"}).json()["id"])
    (output,) = task["outputs"]

    fetched = httpx.get(output["url"], headers={"Origin": ORIGIN})
    assert fetched.status_code == 200
    assert fetched.headers["access-control-allow-origin"] in ("*", ORIGIN)
    assert fetched.headers["cache-control"] == "private, max-age=31536000, immutable"

    assert fetched.headers["content-disposition"] == 'inline; filename="A-boat_1.png"'

    part = httpx.get(output["url"], headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, fetched.content[10:20])
    assert part.headers["content-range"] == f"bytes 10-19/{output['bytes']}"

    small = httpx.get(output["thumbnail_url"])
    assert (small.status_code, small.headers["content-type"]) == (200, "image/webp")
    assert small.content[8:12] == b"WEBP"

    asked = {"Origin": ORIGIN, "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "range"}
    preflight = httpx.options(output["url"], headers=asked)
    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] in ("*", ORIGIN)
    assert "GET" in preflight.headers["access-control-allow-methods"]
