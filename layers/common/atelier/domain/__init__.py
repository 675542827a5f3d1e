"""What Atelier is about, without AWS: shapes, rules and life cycles. Imports the standard library and pydantic only."""
