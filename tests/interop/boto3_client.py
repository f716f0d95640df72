"""Calls the functions of InteropTests with boto3 and prints one JSON line with the result of each.

The argument is the operation: stream or invoke.
"""
import base64
import json
import sys

import boto3
import botocore
from botocore.config import Config

client = boto3.client("lambda", config=Config(retries={"total_max_attempts": 3, "mode": "standard"}))


def stream(name):
    text, complete = b"", None
    try:
        response = client.invoke_with_response_stream(
            FunctionName=name, Payload=b'{"a":1}', LogType="Tail", ClientContext="e30=")
        for event in response["EventStream"]:
            if "PayloadChunk" in event:
                text += event["PayloadChunk"]["Payload"]
            elif "InvokeComplete" in event:
                complete = event["InvokeComplete"]
        return {
            "text": text.decode(),
            "version": response.get("ExecutedVersion"),
            "errorCode": (complete or {}).get("ErrorCode"),
            "errorDetails": (complete or {}).get("ErrorDetails"),
            "complete": complete is not None,
        }
    except botocore.exceptions.ClientError as error:
        return describe(error)


def invoke(name, invocation_type="RequestResponse"):
    try:
        response = client.invoke(
            FunctionName=name, InvocationType=invocation_type, Payload=b'{"a":1}', LogType="Tail", ClientContext="e30=")
        log = response.get("LogResult")
        return {
            "status": response["StatusCode"],
            "text": response["Payload"].read().decode(),
            "version": response.get("ExecutedVersion"),
            "functionError": response.get("FunctionError"),
            "log": base64.b64decode(log).decode() if log else None,
        }
    except botocore.exceptions.ClientError as error:
        return describe(error)


def describe(error):
    metadata = error.response["ResponseMetadata"]
    return {"error": error.response["Error"]["Code"], "status": metadata["HTTPStatusCode"]}


ARN = "arn:aws:lambda:us-east-1:123456789012:function:good:live"
NAMES = ["good", ARN, "fails", "throttled", "documented", "recovers"]
if sys.argv[1] == "stream":
    results = map(stream, NAMES)
else:
    results = [*map(invoke, NAMES), invoke("good", "Event"), invoke("good", "DryRun")]
for result in results:
    print(json.dumps(result), flush=True)
