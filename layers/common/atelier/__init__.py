"""Atelier: generated content by client and campaign, with the guarantees of SQL on DynamoDB.

Rooms: `domain` (rules; standard library and pydantic only), `store` (DynamoDB and S3), `providers` (who generates),
`web` (HTTP in and out), and `wiring`, `settings`, `telemetry`, which put them together for one Lambda.
Arrows: functions -> web, wiring -> store, providers -> domain.
"""

VERSION = "0.1.0"
