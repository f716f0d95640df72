"""Prints the outcome of each kind of broken response in boto3, one JSON line per function. Run by compare."""
import json
import sys

import boto3
from botocore.config import Config

client = boto3.client("lambda", config=Config(retries={"total_max_attempts": 1}, read_timeout=30))

for name in sys.argv[1:]:
    chunks, complete, error = 0, None, None
    try:
        for event in client.invoke_with_response_stream(FunctionName=name, Payload=b"{}")["EventStream"]:
            chunks += "PayloadChunk" in event
            complete = event.get("InvokeComplete", complete)
    except Exception as exception:  # Any exception that a user of boto3 can receive.
        error = f"{type(exception).__name__}: {exception}"
    print(json.dumps({"name": name, "chunks": chunks, "complete": complete, "error": error}), flush=True)
