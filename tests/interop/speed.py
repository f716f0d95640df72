"""Reads responses with boto3 and prints one JSON line: speed.py SECONDS FUNCTION. Reads for 5 seconds before that."""
import json
import sys
import time

import boto3

client = boto3.client("lambda")


def read_for(seconds, function):
    """Reads complete responses until the time has elapsed. Returns events, seconds and seconds of processor time."""
    started, cpu_started, events = time.perf_counter(), time.process_time(), 0
    while time.perf_counter() - started < seconds:
        response = client.invoke_with_response_stream(FunctionName=function, Payload=b"{}")
        for event in response["EventStream"]:
            if "PayloadChunk" in event and event["PayloadChunk"]["Payload"]:
                events += 1
    return {
        "events": events,
        "seconds": time.perf_counter() - started,
        "cpuSeconds": time.process_time() - cpu_started,
    }


read_for(5, sys.argv[2])
print(json.dumps(read_for(float(sys.argv[1]), sys.argv[2])))
