"""Whether S3 takes a request for the one that a presigned URL was made for: its signature (SigV4) is computed anew.

S3 refuses any other with 403 SignatureDoesNotMatch (Amazon S3, "Authenticating Requests: Using Query Parameters"); moto
and the local run take whatever comes. What is signed S3 then carries out: it takes so many bytes, with this checksum,
where there is no object yet.
"""

import os
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials


def is_signed(url: str, headers: Mapping[str, str], *, method: str = "PUT") -> bool:
    """Whether the URL's signature is that of a request with these headers. Others than the signed ones do not count."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    signature, signed = query.pop("X-Amz-Signature"), query["X-Amz-SignedHeaders"].split(";")
    request = AWSRequest(
        method,
        urlunsplit(parts._replace(query=urlencode(query))),
        {name: value for name, value in headers.items() if name.lower() in signed},
    )
    request.context["timestamp"] = query["X-Amz-Date"]
    who = Credentials(os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"])
    auth = S3SigV4QueryAuth(who, "s3", os.environ["AWS_DEFAULT_REGION"])
    computed: str = auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request)
    return computed == signature
