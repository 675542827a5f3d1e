"""What a browser needs to fetch a finished file from another origin: CORS of the bucket, as the template says."""

import httpx

from tests.e2e.conftest import Finish

ORIGIN = "http://localhost:3000"  # the local run answers pages of this machine only


def test_a_browser_may_fetch_what_an_output_leads_to(api: httpx.Client, finish: Finish) -> None:
    task = finish(api.post("/generate/image", json={"prompt": "A boat"}).json()["id"])
    (output,) = task["outputs"]

    fetched = httpx.get(output["url"], headers={"Origin": ORIGIN})
    assert fetched.status_code == 200
    assert fetched.headers["access-control-allow-origin"] in ("*", ORIGIN)

    asked = {"Origin": ORIGIN, "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "range"}
    preflight = httpx.options(output["url"], headers=asked)
    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] in ("*", ORIGIN)
    assert "GET" in preflight.headers["access-control-allow-methods"]
