"""The domain, without AWS: models, rules and life cycles. Imports the standard library and pydantic only."""
