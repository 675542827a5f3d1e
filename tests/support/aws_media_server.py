"""Bedrock and Polly as a server of their own, as our adapters use them, with real files and with faults on request.

What is asked and answered is checked against AWS's own description of each operation. Words in the prompt make
something go wrong, each time or with `_once` behind them the first time only:

submit:<refusal>         any name in `aws_media.REFUSALS`
submit:filtered          an image that is answered with a reason instead; so does `submit:inference_error`
submit:hang_up           the job is accepted and paid, and the connection breaks before the answer
submit:slow              the same, but there is an answer, after `slow` seconds
end:failed               the job ends so
end:stuck                it never ends
status:odd               it has a status that nobody knows

`GET /_books` says, with `"kind": "paid"`, which jobs are paid.
"""

import argparse
import contextlib
import sys
import threading
from collections.abc import Callable
from typing import Any, Final

import boto3

from tests.support.aws_media import AwsMedia
from tests.support.aws_shapes import Answered, Operation
from tests.support.provider_server import HANG_UP, LAYERS, ProviderServer, Reply, Request

_OPERATIONS: Final[dict[Operation, Callable[..., dict[str, Any]]]] = {
    Operation("bedrock-runtime", "InvokeModel"): AwsMedia.invoke_model,
    Operation("bedrock-runtime", "StartAsyncInvoke"): AwsMedia.start_async_invoke,
    Operation("bedrock-runtime", "GetAsyncInvoke"): AwsMedia.get_async_invoke,
    Operation("bedrock-runtime", "ListAsyncInvokes"): AwsMedia.list_async_invokes,
    Operation("polly", "StartSpeechSynthesisTask"): AwsMedia.start_speech_synthesis_task,
    Operation("polly", "GetSpeechSynthesisTask"): AwsMedia.get_speech_synthesis_task,
    Operation("polly", "ListSpeechSynthesisTasks"): AwsMedia.list_speech_synthesis_tasks,
}


class AwsMediaServer(ProviderServer):
    """Both services at one address; their files go into `s3`, a client. `aws` is what they remember."""

    def __init__(self, s3: Any, *, port: int = 0, slow: float = 1.0) -> None:
        super().__init__(port=port, slow=slow)
        self.aws = AwsMedia(s3, self.books)
        self._one_at_a_time = threading.Lock()

    def route(self, request: Request) -> Reply:
        """What AWS says to a request."""
        operation = next((each for each in _OPERATIONS if each.is_meant(request)), None)
        if operation is None:
            return _no(404, "UnknownOperationException", "There is no such operation.")
        try:
            answer, field_errors = self._carried_out(operation, request)
        except Answered as no:
            return _no(operation.status(no.code), no.code, str(no))
        if "slow" in field_errors:
            self.sleep(self.slow)
        return HANG_UP if "hang_up" in field_errors else Reply(200, answer)

    def _carried_out(self, operation: Operation, request: Request) -> tuple[dict[str, Any], frozenset[str]]:
        """The answer, and what is to go wrong with it. Raises Answered."""
        with self._one_at_a_time:
            before = len(self.aws.paid)
            answer = _OPERATIONS[operation](self.aws, **operation.arguments(request))
            accepted = self.aws.paid[before:]
        operation.check(answer)
        return answer, accepted[0].field_errors if accepted else frozenset()


def _no(status: int, code: str, message: str) -> Reply:
    return Reply(status, {"message": message}, {"x-amzn-ErrorType": code})


def main() -> None:
    """Serve until interrupted; the first line of output is the address."""
    options = argparse.ArgumentParser(description="A fake of Bedrock and Polly.")
    options.add_argument("--port", type=int, default=0)
    options.add_argument("--s3", required=True, help="the address of the S3 that the files go to")
    options.add_argument("--slow", type=float, default=30, help="seconds that a slow answer takes")
    given = options.parse_args()
    sys.path[:0] = LAYERS
    s3 = boto3.client(
        "s3",
        endpoint_url=given.s3,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    with AwsMediaServer(s3, port=given.port, slow=given.slow) as server, contextlib.suppress(KeyboardInterrupt):
        sys.stdout.write(f"{server.url}\n")
        sys.stdout.flush()
        threading.Event().wait()


if __name__ == "__main__":
    main()
