"""/api/v3/webhooks/{provider}: providers report that something happened to a job."""

from atelier.bootstrap import bootstrap

from datetime import datetime
from typing import Annotated

from aws_lambda_powertools.event_handler import Request
from aws_lambda_powertools.event_handler.openapi.params import Path, Query

from atelier import wiring
from atelier.domain.errors import Busy, NotFound, Unauthenticated
from atelier.domain.pipeline_ports import GenerationMessage
from atelier.domain.provider import Callback, InvalidSignature, Unavailable
from atelier.domain.schema import utcnow
from atelier.store.callbacks import Report
from atelier.telemetry import log
from atelier.web.api import Reply, api, no_content, serve
from atelier.web.openapi import responses

app = api(raw_bodies=True)
Provider = Annotated[str, Path(max_length=64, description="The provider that sends the callback.")]
TaskId = Annotated[str, Query(max_length=64, description="The task's id, from the callback URL.")]
Token = Annotated[str, Query(max_length=64, description="The task's token, from the callback URL.")]


@app.post(
    "/api/v3/webhooks/<provider>",
    tags=["Webhooks"],
    operation_id="receiveCallback",
    summary="Receive a callback",
    responses=responses(204, None, "The callback was accepted.", 400, 401, 404, 503),
)
def receive(provider: Provider, task: TaskId, token: Token, request: Request) -> Reply:
    """Accept a provider's callback, verified by its signature. Its content is not trusted: the task is polled."""
    callback_verifier = wiring.callback_verifier(provider)
    if callback_verifier is None:
        raise NotFound("provider that reports", provider)
    headers = {name.lower(): value for name, value in request.headers.items()}
    callback, now = Callback(headers, (request.body or "").encode(errors="surrogatepass")), utcnow()
    try:
        job = callback_verifier.verified_job(callback, now=now)
    except InvalidSignature as forged:
        log.warning("callback refused", extra={"provider": provider, "task_id": task, "reason": str(forged)})
        raise Unauthenticated("The callback's signature is not valid.") from forged
    except Unavailable as failure:
        raise Busy("The provider's keys cannot be read.", retry_after=30) from failure
    report = Report(task_id=task, job=job, served_by=provider, token=token)
    # Whoever is not awaited, or comes again, is answered like the others: it tells nobody which tasks there are.
    passed_on = _pass_on(report, callback, now)
    log.info("callback", extra={"provider": provider, "task_id": task, "passed_on": passed_on})
    return no_content()


def _pass_on(report: Report, callback: Callback, now: datetime) -> bool:
    """Wake a worker up, unless the report is not awaited or has done so before."""
    account = wiring.callbacks().accept(report, callback, now=now)
    if account is None:
        return False
    try:
        wake_up = GenerationMessage(user_id=account, step=None, **vars(report))
        wiring.generation_queue().send(wake_up, provider=report.served_by)
    except Exception:
        wiring.callbacks().forget(report, callback)
        raise
    return True


handler = bootstrap(
    serve(app, raw_bodies=True), wiring.generation_queue, wiring.callbacks, prime=app.get_openapi_json_schema
)
