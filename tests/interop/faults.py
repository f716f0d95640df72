"""What a user of boto3 sees of each kind of broken answer: one JSON line a function. compare runs it."""
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
    except Exception as exception:  # whatever a user would see
        error = f"{type(exception).__name__}: {exception}"
    print(json.dumps({"name": name, "chunks": chunks, "complete": complete, "error": error}), flush=True)
