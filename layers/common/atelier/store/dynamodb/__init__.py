"""A small DynamoDB client: the calls that this project makes, answered as botocore's client answers them.

botocore serves every AWS service. Importing it and building its client takes as long as all else in a cold start, and
most of a warm request is spent in its layers (ADR 0017 has the numbers). Here a request is one JSON text, one
signature and one round trip on a kept connection. Callers see no difference in requests, answers, errors, retries or
credentials; tests hold all of these against botocore.

Nothing outside this package goes around botocore, and nobody has to read it to work on the rest. The parameter
`DynamoDbClient` switches back to botocore's client. So does an environment that `connect` does not support.

client.py        the operations, and when one is tried again
credentials.py   the environment's keys, or whatever botocore finds
signature.py     AWS Signature Version 4
connections.py   sockets, HTTP/1.1, kept connections
replies.py       from bytes to answers and errors
"""
