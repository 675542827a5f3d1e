"""A fal to test with: its queue, its history, its signed callbacks and its media, on one address.

Words in a prompt that make it go wrong (and those about media, see `provider_server`):

submit:<status>      refused with that status; submit:429 says when to come again
submit:slow          accepted, and answered too late
submit:hang_up       accepted, and the connection closed without an answer
submit:nameless      accepted, and answered without an id
status:<status>      asked where it stands, that status is the answer, three times
status:odd           a status that nobody knows, once it runs
status:requeue       half done, and back in the queue
end:422              the model refused the content
end:face             the model refused a face
end:nothing          the model says that it made nothing
end:500              the model broke, with a body that says so
end:page             the result is a web page with status 500
end:empty            a result without media
end:nsfw             everything that was made is black, and flagged
end:nsfw_first       the first image is black, and flagged
end:inline           the files are in the result itself, as with `sync_mode`
end:long             a result that is longer than anybody reads
end:many             a hundred images more than were asked for
end:detail           a result with status 200 that says why there is none
end:<error_type>     completed with that error_type, such as end:runner_disconnected
cancel:forget        a request that is canceled in the queue is not known any more
hook:none            no callback
hook:twice           the callback comes twice
hook:forged          signed by nobody's key
hook:old             signed ten minutes ago
hook:swapped         signed, but about another request in its body
"""

import base64
import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.support import model_schemas
from tests.support.provider_server import (
    HANG_UP,
    Json,
    ProviderServer,
    Reply,
    Request,
    fits,
    real_file,
    serve,
    words_in,
)
from tests.support.published_models import KREA_ID, fal_entry

POLICY: Final = {
    "detail": [
        {
            "loc": ["body", "prompt"],
            "msg": "The content could not be processed because it was flagged by a content checker.",
            "type": "content_policy_violation",
        }
    ]
}
_FACE: Final = {"detail": [{"loc": ["body"], "msg": "A face was not recognised.", "type": "face_detection_error"}]}
_NOTHING: Final = {"detail": [{"loc": ["body"], "msg": "No media was generated.", "type": "no_media_generated"}]}
BROKEN: Final = {"detail": [{"loc": ["body"], "msg": "The model broke.", "type": "internal_server_error"}]}
_NOT_FETCHED: Final = {
    "detail": [{"loc": ["body", "image_url"], "msg": "Failed to download the file.", "type": "file_download_error"}]
}
_FAILED: Final = {
    "422": Reply(422, POLICY, {"X-Fal-Retryable": "false"}),
    "face": Reply(422, _FACE),
    "nothing": Reply(422, _NOTHING),
    "500": Reply(500, BROKEN, {"X-Fal-Needs-Retry": "1"}),
    "page": Reply(500, b"<html>Bad gateway</html>", {"Content-Type": "text/html"}),
}
_RESULTS: Final = ("", "empty", "nsfw", "nsfw_first", "inline", "long", "many", "detail")
_RESULT_KEYS: Final = {
    "upscale": "image",
    "background": "image",
    "birefnet": "image",
    "stable-audio-25": "audio",
    "stable-audio": "audio_file",
    "elevenlabs": "audio",
    "speech": "audio",
    "video": "video",
    "hailuo": "video",
    "veo": "video",
}


@dataclass
class Job:
    """A request in the queue."""

    model: str
    content: Json
    callback: str | None
    id: str = field(default_factory=lambda: str(uuid4()))
    began: float = field(default_factory=time.monotonic)
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    asked: int = 0
    canceled: bool = False
    taken_in: bool | None = None  # whether its files could be fetched, once they were

    @property
    def words(self) -> dict[str, str]:
        """What its prompt tells the fake to do."""
        return words_in(self.content.get("prompt", self.content.get("text")))

    @property
    def app(self) -> str:
        """What its addresses begin with."""
        return "/".join(self.model.split("/")[:2])


class FalServer(ProviderServer):
    """A fal."""

    def __init__(self, *, key: str = "fal-key", **options: Any) -> None:
        super().__init__(**options)
        self.key = key
        self.jobs: dict[str, Job] = {}
        self.models = {KREA_ID: fal_entry(KREA_ID)}
        self.prices: dict[str, Json] = {KREA_ID: {"unit_price": 0.025, "unit": "megapixels", "currency": "USD"}}
        self.rotate()

    def rotate(self) -> None:
        """Sign with a new key; the one before is still published, beside one that signs nothing."""
        self.signer = Ed25519PrivateKey.generate()
        self.published = [self.signer, *getattr(self, "published", [Ed25519PrivateKey.generate()])][:2]

    # ------------------------------------------------------------------------------------------------------- routes

    def route(self, request: Request) -> Reply:
        """What fal says to a request."""
        if request.path == "/.well-known/jwks.json":
            self.books.note("jwks")
            return Reply(200, {"keys": [_jwk(key) for key in self.published]})
        if request.headers.get("authorization") != f"Key {self.key}":
            self.books.note("stranger", path=request.path)
            return Reply(401, {"detail": "invalid key credentials"})
        if request.path.startswith("/v1/models"):
            return self._history(request) if request.path.endswith("/by-endpoint") else self._catalog(request)
        before, found, after = request.path.strip("/").partition("/requests/")
        if not found:
            return self._submit(request) if request.method == "POST" else Reply(405, {"detail": "Method Not Allowed"})
        job_id, _, what = after.partition("/")
        job = self.jobs.get(job_id)
        if job is None or job.app != before or (job.canceled and job.words.get("cancel") == "forget"):
            return Reply(404, {"status": "NOT_FOUND"})
        answers = {("GET", "status"): self._status, ("GET", ""): self._result, ("PUT", "cancel"): self._cancel}
        answer = answers.get((request.method, what))
        return answer(job) if answer else Reply(405, {"detail": "Method Not Allowed"})

    def _catalog(self, request: Request) -> Reply:
        model = request.query["endpoint_id"]
        self.books.note("catalog", path=request.path, model=model)
        if request.path == "/v1/models/pricing":
            prices = [{"endpoint_id": model, **self.prices[model]}] if model in self.prices else []
            return Reply(200, {"prices": prices, "has_more": False})
        found = [self.models[model]] if model in self.models else []
        return Reply(200, {"models": found, "has_more": False})

    def _input_schema(self, model: str) -> Json:
        """What a model takes: as the tests know it, or as it is published."""
        if model not in self.models:
            return dict(model_schemas.FAL.get(model, {}))
        components: Json = self.models[model]["openapi"]["components"]
        return {"$ref": "#/components/schemas/ModelInput", "components": components, "unevaluatedProperties": False}

    def _submit(self, request: Request) -> Reply:
        job = Job(request.path.strip("/"), request.json(), request.query.get("fal_webhook"))
        what = job.words.get("submit", "")
        self.books.note("submit", model=job.model, input=job.content, webhook=job.callback, job=job.id, word=what)
        if not fits(job.content, self._input_schema(job.model)):
            return Reply(422, {"detail": [{"loc": ["body"], "msg": "Not the model's input.", "type": "value_error"}]})
        if what.isdigit():
            return _refusal(int(what))
        self.jobs[job.id] = job
        self.begin(lambda: self._run(job))
        if what == "hang_up":
            return HANG_UP
        if what == "slow":
            self.sleep(self.slow)
        submitted = {"request_id": job.id, "queue_position": 2, **self._addresses(job)}
        return Reply(200, {} if what == "nameless" else submitted, {"x-fal-request-id": job.id})

    def _run(self, job: Job) -> None:
        self.sleep(self.queued)
        job.taken_in = self.take_in(job.content)
        self._finish(job)

    def _addresses(self, job: Job) -> Json:
        address = f"{self.url}/{job.app}/requests/{job.id}"
        return {
            "response_url": address,
            "status_url": f"{address}/status",
            "cancel_url": f"{address}/cancel",
            "gateway_request_id": job.id,
        }

    def _status(self, job: Job) -> Reply:
        job.asked += 1
        what = job.words.get("status", "")
        if what.isdigit() and job.asked <= 3:
            return _refusal(int(what))
        said = {"request_id": job.id, "response_url": self._addresses(job)["response_url"]}
        elapsed = time.monotonic() - job.began
        if self._is_over(job):
            return Reply(200, {"status": "COMPLETED", **said, "logs": None, **self._ending(job)})
        working = (elapsed - self.queued) / (self.working or 1)
        if elapsed < self.queued or (what == "requeue" and working > 0.5):
            return Reply(202, {"status": "IN_QUEUE", **said, "queue_position": int(2 * (1 - elapsed / 3600))})
        return Reply(202, {"status": "MELTING" if what == "odd" else "IN_PROGRESS", **said, "logs": []})

    def _is_over(self, job: Job) -> bool:
        return job.canceled or (job.taken_in is not None and time.monotonic() - job.began >= self.queued + self.working)

    def _ending(self, job: Job) -> Json:
        what = job.words.get("end", "")
        if job.canceled:
            return {"error": "Request was cancelled", "error_type": "client_cancelled"}
        if what in _FAILED and what != "page":
            return {"error": f"Invalid status code: {_FAILED[what].status}"}
        if what in (*_RESULTS, "page"):
            return {"metrics": {"inference_time": self.working}}
        return {"error": f"It failed: {what}.", "error_type": what}

    def _result(self, job: Job) -> Reply:
        what = job.words.get("end", "")
        if not self._is_over(job):
            return Reply(400, {"detail": "Request is still in progress"})
        if job.canceled:
            return Reply(499, {"detail": "Request was cancelled", "error_type": "client_cancelled"})
        if not job.taken_in:
            return Reply(422, _NOT_FETCHED)
        if what in _RESULTS:
            return Reply(200, self._output(job), {"X-Fal-Billable-Units": str(self._units(job))})
        return _FAILED.get(what) or Reply(503, {"detail": f"It failed: {what}.", "error_type": what})

    def _units(self, job: Job) -> int:
        return int(str(job.content.get("num_images", job.content.get("duration", 1))).removesuffix("s"))

    def _output(self, job: Job) -> Json:
        fault, what = job.words.get("media", ""), job.words.get("end", "")
        empty = what in ("empty", "detail")
        key = next((key for part, key in _RESULT_KEYS.items() if part in job.model), "images")
        if key != "images":
            kind = {"video": "video", "image": "image"}.get(key, "audio")
            return {} if empty else {key: {"url": self.media(kind, 0, fault), "file_name": "out"}}
        count = 0 if empty else int(job.content.get("num_images", 1)) + 100 * (what == "many")
        urls = [self.media("image", number, fault) for number in range(count)]
        if what == "inline":
            urls = [f"data:image/png;base64,{base64.b64encode(real_file('out.png')[0]).decode()}" for _ in urls]
        says: Mapping[str, Json] = {"long": {"log": "x" * 11_000_000}, "detail": POLICY}
        flags = [what == "nsfw" or (what == "nsfw_first" and number == 0) for number in range(count)]
        return {
            **says.get(what, {}),
            "images": [{"url": url, "width": 64, "height": 64, "content_type": "image/png"} for url in urls],
            "seed": job.content.get("seed"),
            "prompt": job.content.get("prompt"),
            "has_nsfw_concepts": flags,
            "timings": {},
        }

    def _cancel(self, job: Job) -> Reply:
        over = self._is_over(job)
        self.books.note("cancel", job=job.id, over=over)
        if over:
            return Reply(400, {"status": "ALREADY_COMPLETED"})
        # Only one in the queue is removed; one that runs is signalled, and may finish all the same.
        job.canceled = time.monotonic() - job.began < self.queued
        return Reply(202, {"status": "CANCELLATION_REQUESTED"})

    def _history(self, request: Request) -> Reply:
        start = datetime.fromisoformat(request.query["start"])
        first, limit = int(request.query.get("cursor", 0)), int(request.query.get("limit", 50))
        self.books.note("history", cursor=first, limit=limit)
        ended = [
            job
            for job in reversed(self.jobs.values())
            if job.model == request.query["endpoint_id"] and self._is_over(job) and job.at >= start
        ]
        items = [
            {
                "request_id": job.id,
                "endpoint_id": job.model,
                "started_at": job.at.isoformat(),
                "sent_at": job.at.isoformat(),
                "ended_at": datetime.now(UTC).isoformat(),
                "status_code": self._result(job).status,
                "duration": self.working,
                "json_input": job.content,
            }
            for job in ended[first : first + limit]
        ]
        more = len(ended) > first + limit
        content = {"items": items, "has_more": more}
        return Reply(200, {**content, "next_cursor": str(first + limit) if more else None})

    # ---------------------------------------------------------------------------------------------------- callbacks

    def _finish(self, job: Job) -> None:
        self.sleep(self.working + 0.01)
        what = job.words.get("hook", "")
        if job.callback is None or what == "none":
            return
        body = self.report(job)
        if what == "swapped":
            body = {**body, "request_id": str(uuid4())}
        age = 600 if what == "old" else 0
        signer = Ed25519PrivateKey.generate() if what == "forged" else self.signer
        for _ in range(2 if what == "twice" else 1):
            raw = Reply(200, body).body
            self.deliver(job.callback, self.signed(job.id, raw, signer=signer, age=age), raw)

    def report(self, job: Job) -> Json:
        """What a callback about the job says."""
        result = self._result(job)
        said = {"request_id": job.id, "gateway_request_id": job.id, "payload": None}
        if isinstance(result.content, bytes):
            return {**said, "status": "ERROR", "payload_error": "Response payload is not JSON serializable."}
        if result.status == 200:
            return {**said, "status": "OK", "payload": result.content}
        error = f"Invalid status code: {result.status}"
        return {**said, "status": "ERROR", "payload": result.content, "error": error}

    def signed(
        self, job_id: str, body: bytes, *, signer: Ed25519PrivateKey | None = None, age: float = 0
    ) -> dict[str, str]:
        """The headers of a callback, signed as fal signs."""
        timestamp = str(int(time.time() - age))
        message = "\n".join([job_id, "user-1", timestamp, hashlib.sha256(body).hexdigest()]).encode()
        return {
            "X-Fal-Webhook-Request-Id": job_id,
            "X-Fal-Webhook-User-Id": "user-1",
            "X-Fal-Webhook-Timestamp": timestamp,
            "X-Fal-Webhook-Signature": (signer or self.signer).sign(message).hex(),
        }


def _refusal(status: int) -> Reply:
    headers = {"Retry-After": "7"} if status in (429, 503) else {}
    return Reply(status, POLICY if status == 422 else {"detail": f"Fake answer {status}"}, headers)


def _jwk(key: Ed25519PrivateKey) -> Json:
    raw = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return {"kty": "OKP", "crv": "Ed25519", "x": base64.urlsafe_b64encode(raw).decode().rstrip("=")}


if __name__ == "__main__":
    serve(FalServer)
