"""How it is kept: one DynamoDB table, one bucket, two queues. All keys are in `keys`, all retries in `table`."""
