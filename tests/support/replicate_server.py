"""A Replicate to test with: its predictions, its signed callbacks and its media, on one address below `/v1`.

Words in a prompt that make it go wrong (and those about media, see `provider_server`):

submit:<status>      refused with that status; submit:429 says when to come again
submit:slow          accepted, and answered too late
submit:hang_up       accepted, and the connection closed without an answer
submit:nameless      accepted, and answered without an id
status:<status>      asked where it stands, that status is the answer, three times
status:odd           a status that nobody knows, once it runs
end:failed           the model failed
end:nsfw             the model refused the content
end:withheld         succeeded with nothing; only the logs say that it was withheld
end:blackened        succeeded with black files, as only the logs say
end:checked          succeeded with those files that its safety checker let pass
end:declined         succeeded with a text in place of a file
end:long             a prediction that is longer than anybody reads
end:aborted          its deadline passed before it began
end:removed          succeeded, and the data removed again
end:empty            succeeded without output
hook:none            no callback
hook:twice           the last callback comes twice
hook:forged          signed with another secret
hook:old             signed ten minutes ago
hook:late            the callback of a success, after a cancel
"""

import base64
import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from uuid import uuid4

from tests.support import model_schemas
from tests.support.provider_server import HANG_UP, Json, ProviderServer, Reply, Request, fits, serve, words_in
from tests.support.published_models import SEEDREAM_ID, replicate_entry

TOKEN: Final = "r8-token"
_KINDS: Final = {
    "video": "video",
    "veo": "video",
    "seedance": "video",
    "hailuo": "video",
    "lyria": "audio",
    "elevenlabs": "audio",
}
_SEVERAL: Final = ("flux-schnell",)
_PAGE: Final = 100
_LOGS: Final = {
    "withheld": "Using seed: 5\nNSFW content detected in image 0",
    "blackened": (
        "Using seed: 5\nPotential NSFW content was detected in one or more images. A black image will be returned "
        "instead. Try again with a different prompt and/or seed.\n100%|####| 4/4"
    ),
    "checked": "Loading safety checker\nNSFW content detected in 1 outputs, showing the rest 3 images...",
    "long": "x" * 11_000_000,
}


@dataclass
class Prediction:
    """A prediction."""

    model: str
    content: Json
    callback: str | None
    events: list[str]
    id: str = field(default_factory=lambda: uuid4().hex[:26])
    began: float = field(default_factory=time.monotonic)
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    asked: int = 0
    canceled: bool = False
    taken_in: bool | None = None  # whether its files could be fetched, once they were

    @property
    def words(self) -> dict[str, str]:
        """What its prompt tells the fake to do."""
        return words_in(self.content.get("prompt"))


class ReplicateServer(ProviderServer):
    """A Replicate."""

    def __init__(self, *, token: str = TOKEN, lists_inputs: bool = True, **options: Any) -> None:
        super().__init__(**options)
        self.token = token
        self.lists_inputs = lists_inputs
        self.predictions: dict[str, Prediction] = {}
        self.models = {SEEDREAM_ID: replicate_entry(SEEDREAM_ID)}
        self.rotate()

    def rotate(self) -> None:
        """Sign with a new secret."""
        self.secret = "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()

    @property
    def api_url(self) -> str:
        """Where its API is."""
        return f"{self.url}/v1"

    # ------------------------------------------------------------------------------------------------------- routes

    def route(self, request: Request) -> Reply:
        """What Replicate says to a request."""
        if request.headers.get("authorization") != f"Bearer {self.token}":
            self.books.note("stranger", path=request.path)
            return _problem(401, "Unauthenticated", "You did not pass a valid authentication token")
        answer = self._read(request) if request.method == "GET" else self._write(request)
        return answer or _problem(404, "Not found", "The requested resource could not be found.")

    def _read(self, request: Request) -> Reply | None:
        match request.path.strip("/").split("/"):
            case ["v1", "webhooks", "default", "secret"]:
                self.books.note("secret")
                return Reply(200, {"key": self.secret})
            case ["v1", "predictions"]:
                return self._list(request)
            case ["v1", "predictions", id_] if id_ in self.predictions:
                return self._get(self.predictions[id_])
            case ["v1", "models", owner, name] if f"{owner}/{name}" in self.models:
                return Reply(200, self.models[f"{owner}/{name}"])
            case ["v1", "models", owner, name, "versions", version] if f"{owner}/{name}" in self.models:
                latest = self.models[f"{owner}/{name}"]["latest_version"]
                return Reply(200, latest) if latest["id"] == version else None
        return None

    def _input_schema(self, model: str) -> Json:
        """What a model takes: as the tests know it, or as it is published."""
        if model not in self.models:
            return dict(model_schemas.REPLICATE.get(model, {}))
        components: Json = self.models[model]["latest_version"]["openapi_schema"]["components"]
        return {"$ref": "#/components/schemas/Input", "components": components, "unevaluatedProperties": False}

    def _write(self, request: Request) -> Reply | None:
        match request.path.strip("/").split("/"):
            case ["v1", "models", owner, name, "predictions"]:
                return self._create(request, f"{owner}/{name}")
            case ["v1", "predictions"]:
                return self._create(request, str(request.json().get("version")).partition(":")[0])
            case ["v1", "predictions", id_, "cancel"] if id_ in self.predictions:
                return self._cancel(self.predictions[id_])
        return None

    def _create(self, request: Request, model: str) -> Reply:
        asked = request.json()
        made = Prediction(model, asked.get("input", {}), asked.get("webhook"), asked.get("webhook_events_filter") or [])
        what = made.words.get("submit", "")
        version = asked.get("version")
        self.books.note("submit", model=model, version=version, input=made.content, webhook=made.callback, job=made.id)
        if not fits(made.content, self._input_schema(model)):
            return _problem(422, "Input validation failed", "Not the model's input.")
        if what.isdigit():
            return _refusal(int(what))
        self.predictions[made.id] = made
        self.begin(lambda: self._run(made))
        if what == "hang_up":
            return HANG_UP
        if what == "slow":
            self.sleep(self.slow)
        return Reply(201, {} if what == "nameless" else self.shown(made))

    def _run(self, prediction: Prediction) -> None:
        prediction.taken_in = self.take_in(prediction.content)
        self._finish(prediction)

    def _get(self, prediction: Prediction) -> Reply:
        prediction.asked += 1
        what = prediction.words.get("status", "")
        if what.isdigit() and prediction.asked <= 3:
            return _refusal(int(what))
        return Reply(200, self.shown(prediction))

    def _list(self, request: Request) -> Reply:
        after = datetime.fromisoformat(request.query.get("created_after", "2000-01-01T00:00:00Z"))
        first = int(request.query.get("cursor", 0))
        self.books.note("list", cursor=first)
        since = [each for each in reversed(self.predictions.values()) if each.at >= after]
        shown = [self.shown(each) for each in since[first : first + _PAGE]]
        if not self.lists_inputs:
            shown = [{name: value for name, value in each.items() if name != "input"} for each in shown]
        follows = f"{self.api_url}/predictions?cursor={first + _PAGE}" if len(since) > first + _PAGE else None
        return Reply(200, {"next": follows, "previous": None, "results": shown})

    def _cancel(self, prediction: Prediction) -> Reply:
        over = self._status(prediction) not in ("starting", "processing")
        self.books.note("cancel", job=prediction.id, over=over)
        prediction.canceled = prediction.canceled or not over
        return Reply(200, self.shown(prediction))

    # ------------------------------------------------------------------------------------------------- predictions

    def _status(self, prediction: Prediction) -> str:
        elapsed = time.monotonic() - prediction.began
        if prediction.canceled:
            return "canceled"
        if prediction.words.get("end") == "aborted" and elapsed >= self.queued:
            return "aborted"
        if elapsed < self.queued:
            return "starting"
        if elapsed < self.queued + self.working or prediction.taken_in is None:
            return "melting" if prediction.words.get("status") == "odd" else "processing"
        failed = not prediction.taken_in or prediction.words.get("end") in ("failed", "nsfw")
        return "failed" if failed else "succeeded"

    def shown(self, prediction: Prediction, status: str | None = None) -> Json:
        """A prediction as the API shows it."""
        status = status or self._status(prediction)
        removed = prediction.words.get("end") == "removed" and status == "succeeded"
        address = f"{self.api_url}/predictions/{prediction.id}"
        over = status in ("succeeded", "failed", "canceled", "aborted")
        return {
            "id": prediction.id,
            "model": prediction.model,
            "version": "hidden",
            "input": {} if removed else prediction.content,
            "output": None if removed or status != "succeeded" else self._output(prediction),
            "error": _error(prediction) if status == "failed" else None,
            "logs": _LOGS.get(prediction.words.get("end", ""), "") if prediction.asked else "",
            "status": status,
            "created_at": prediction.at.isoformat(),
            "started_at": None if status in ("starting", "aborted") else prediction.at.isoformat(),
            "completed_at": datetime.now(UTC).isoformat() if over else None,
            "data_removed": removed,
            "metrics": {"predict_time": self.working} if status == "succeeded" else {},
            "urls": {"get": address, "cancel": f"{address}/cancel", "web": f"{self.url}/p/{prediction.id}"},
        }

    def _output(self, prediction: Prediction) -> Any:
        if prediction.words.get("end") in ("empty", "withheld"):
            return None
        if prediction.words.get("end") == "declined":
            return "I cannot make this, because it is against our usage policy."
        kind = next((kind for part, kind in _KINDS.items() if part in prediction.model), "image")
        fault = prediction.words.get("media", "")
        if not prediction.model.endswith(_SEVERAL):
            return self.media(kind, 0, fault)
        return [self.media(kind, number, fault) for number in range(int(prediction.content.get("num_outputs", 1)))]

    # ---------------------------------------------------------------------------------------------------- callbacks

    def _finish(self, prediction: Prediction) -> None:
        what = prediction.words.get("hook", "")
        if prediction.callback is None or what == "none":
            return
        self.sleep(self.queued + 0.01)
        if "start" in prediction.events and self._status(prediction) == "processing":
            self._report(prediction, what)
        self.sleep(self.working)
        if "completed" in prediction.events:
            for _ in range(2 if what == "twice" else 1):
                self._report(prediction, what)

    def _report(self, prediction: Prediction, what: str) -> None:
        body = Reply(200, self.shown(prediction, "succeeded" if what == "late" else None)).body
        secret = "whsec_" + base64.b64encode(b"somebody else's secret!!").decode() if what == "forged" else self.secret
        headers = self.signed(body, secret=secret, age=600 if what == "old" else 0)
        self.deliver(prediction.callback or "", headers, body)

    def signed(self, body: bytes, *, secret: str | None = None, age: float = 0) -> dict[str, str]:
        """The headers of a callback, signed as Replicate signs; written anew here, not with our own code."""
        key = base64.b64decode((secret or self.secret).removeprefix("whsec_"))
        id_, timestamp = f"msg_{uuid4().hex}", str(int(time.time() - age))
        digest = hmac.new(key, f"{id_}.{timestamp}.".encode() + body, hashlib.sha256).digest()
        signature = f"v1,{base64.b64encode(digest).decode()}"
        return {"webhook-id": id_, "webhook-timestamp": timestamp, "webhook-signature": signature}


def _error(prediction: Prediction) -> str:
    if prediction.words.get("end") == "nsfw":
        return "NSFW content detected. Try running it again, or try a different prompt."
    return "Prediction failed: the model broke."


def _refusal(status: int) -> Reply:
    if status == 429:
        reply = _problem(429, "Too many requests", "Request was throttled. Your rate limit resets in ~7s.")
        return Reply(429, reply.content, {"Retry-After": "7"})
    return _problem(status, "Fake answer", f"Fake answer {status}")


def _problem(status: int, title: str, detail: str) -> Reply:
    return Reply(status, {"title": title, "detail": detail, "status": status})


if __name__ == "__main__":
    serve(ReplicateServer)
