"""/api/v3/reports/* and /api/v3/activity"""

from atelier.bootstrap import bootstrap

from typing import Annotated

from aws_lambda_powertools.event_handler import Request
from aws_lambda_powertools.event_handler.openapi.params import Query

from atelier import wiring
from atelier.caller import access_of
from atelier.domain.activity_list import ActivityPage, ActivityQuery
from atelier.domain.schema import utcnow
from atelier.domain.usage_report import UsageQuery, UsageReport, usage_report
from atelier.web.api import Reply, api, page_response, serve
from atelier.web.openapi import READ, responses
from atelier.web.usage_reports import usage_response

app = api()


@app.get(
    "/api/v3/reports/usage",
    tags=["Reports"],
    operation_id="getUsageReport",
    summary="Report usage and spend",
    responses=responses(200, UsageReport, "The report.", *READ, csv="The rows, in columns named as FOCUS names them."),
)
def get_usage_report(query: Annotated[UsageQuery, Query()], request: Request) -> Reply:
    """Report what tasks that ended made, took and cost, by day, month or range, and by up to three groups.

    With `owner`, of another account: of all of it, or of the clients and campaigns that are shared with you.
    """
    access, now = access_of(app), utcnow()
    account, grants = query.owner or access.account, wiring.grants_of(query.owner, access=access)
    report = usage_report(
        query, account=account, ledger=wiring.ledger_reader(), model_id=wiring.model_id, now=now, grants=grants
    )
    return usage_response(report, wanted=query.format, accept=request.headers.get("accept"))


@app.get(
    "/api/v3/activity",
    tags=["Reports"],
    operation_id="listActivity",
    summary="List who did what",
    responses=responses(200, ActivityPage, "A page of it.", 400),
)
def list_activity(query: Annotated[ActivityQuery, Query()]) -> Reply:
    """List the changes of the last 400 days to what you may see, newest first; each is here within seconds.

    Who only views or edits what is shared sees nothing of its shares and invitations.
    """
    access = access_of(app)
    return page_response(wiring.activity_reader().list(query, access=access, now=access.at))


handler = bootstrap(serve(app), wiring.ledger_reader, prime=lambda: (app.get_openapi_json_schema(), wiring.models()))
