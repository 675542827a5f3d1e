"""Persistence: one DynamoDB table, one bucket, queues. All keys are in `keys`, all retries in `table`."""
