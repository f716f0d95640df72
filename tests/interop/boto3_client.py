"""Invokes the functions of InteropTests with boto3 and prints one JSON line with the result of each."""
import json

import boto3
import botocore
from botocore.config import Config

client = boto3.client("lambda", config=Config(retries={"total_max_attempts": 3, "mode": "standard"}))


def invoke(name):
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
        metadata = error.response["ResponseMetadata"]
        return {"error": error.response["Error"]["Code"], "status": metadata["HTTPStatusCode"]}


ARN = "arn:aws:lambda:us-east-1:123456789012:function:good:live"
for name in ["good", ARN, "fails", "throttled", "documented", "recovers"]:
    print(json.dumps({"name": name, **invoke(name)}), flush=True)
