"""Logs: one JSON line per request or event, with ids to follow it by, and no prompt, name or secret in it."""

from typing import Final

from aws_lambda_powertools import Logger

log: Final = Logger(service="atelier", log_uncaught_exceptions=True)
