"""HTTP in and out: routing, validation, problem+json, conditional requests, the OpenAPI document."""
