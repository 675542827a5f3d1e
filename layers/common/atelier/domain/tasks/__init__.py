"""Generation tasks: requests, the record, its life cycle, and queries."""
