"""A function that feeds its own queue, deployed to the local run with and without `RecursiveLoop: Allow`."""

import json
import time
from pathlib import Path
from textwrap import dedent

import httpx
import pytest

from local.stack import PARAMETERS, Stack, start
from tests.e2e.conftest import eventually

ROUNDS = 30

TEMPLATE = """
AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::Serverless-2016-10-31
Parameters:
  {parameters}
Resources:
  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{{AttributeName: PK, AttributeType: S}}]
      KeySchema: [{{AttributeName: PK, KeyType: HASH}}]
  Letters: {{Type: AWS::SQS::Queue}}
  Queue:
    Type: AWS::SQS::Queue
    Properties:
      VisibilityTimeout: 5
      RedrivePolicy: {{deadLetterTargetArn: !GetAtt Letters.Arn, maxReceiveCount: 1}}
  Api: {{Type: AWS::Serverless::HttpApi}}
  RoundFunction:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: functions/round
      Handler: app.handler
      Runtime: python3.13
      Timeout: 5
      {recursive_loop}
      Environment: {{Variables: {{QUEUE: !Ref Queue}}}}
      Policies: [{{Statement: [{{Effect: Allow, Action: [sqs:SendMessage], Resource: !GetAtt Queue.Arn}}]}}]
      Events:
        Begin: {{Type: HttpApi, Properties: {{ApiId: !Ref Api, Method: POST, Path: /begin}}}}
        Again:
          Type: SQS
          Properties: {{Queue: !GetAtt Queue.Arn, BatchSize: 1}}
Outputs:
  VerifyFunctionName: {{Value: !Ref RoundFunction}}
  TableName: {{Value: !Ref Table}}
  Letters: {{Value: !Ref Letters}}
"""

CODE = f"""
import os, boto3

def handler(event, context):
    for record in event.get("Records", []):
        left = int(record["body"])
        if left > 1:
            boto3.client("sqs").send_message(QueueUrl=os.environ["QUEUE"], MessageBody=str(left - 1))
    if "requestContext" in event:
        boto3.client("sqs").send_message(QueueUrl=os.environ["QUEUE"], MessageBody="{ROUNDS}")
    return {{"statusCode": 202}}
"""


def project(folder: Path, recursive_loop: str) -> Path:
    """A project of one function."""
    parameters = "\n  ".join(f"{name}: {{Type: String}}" for name in PARAMETERS)
    (folder / "template.yaml").write_text(TEMPLATE.format(recursive_loop=recursive_loop, parameters=parameters))
    (folder / "functions/round").mkdir(parents=True)
    (folder / "functions/round/app.py").write_text(dedent(CODE))
    return folder


@pytest.mark.parametrize(
    ("recursive_loop", "rounds", "letters"),
    [("", 15, 1), ("RecursiveLoop: Terminate", 15, 1), ("RecursiveLoop: Allow", ROUNDS, 0)],
)
def test_a_loop_stops_after_sixteen_runs_unless_allowed(
    tmp_path: Path, recursive_loop: str, rounds: int, letters: int
) -> None:
    """The request that begins it is the first of the sixteen."""
    with start(project=project(tmp_path, recursive_loop)) as stack:
        assert httpx.post(f"{stack.url}/begin").status_code == 202
        eventually(lambda: ran(stack.invocations) >= rounds, f"{rounds} messages were processed", seconds=30)
        eventually(lambda: in_dead_letters(stack) >= letters, "the stopped message is a dead letter", seconds=30)
        time.sleep(1)  # for whatever would follow
        assert (ran(stack.invocations), in_dead_letters(stack)) == (rounds, letters)


def ran(invocations: Path) -> int:
    """How many messages the function has processed."""
    lines = [json.loads(line) for line in invocations.read_text().splitlines()]
    return sum(it["event"].startswith("aws:sqs") and not it["error"] for it in lines)


def in_dead_letters(stack: Stack) -> int:
    """How many messages were given up."""
    asked = {"QueueUrl": stack.outputs["Letters"], "AttributeNames": ["ApproximateNumberOfMessages"]}
    found = stack.client("sqs").get_queue_attributes(**asked)["Attributes"]
    return int(found["ApproximateNumberOfMessages"])
