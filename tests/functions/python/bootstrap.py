"""A streaming function with Python's standard library: a handler, and the runtime that calls it."""
import base64
import http.client
import json
import os
import time


def handler(event):
    for word in ("hello", " ", str(event.get("name", "world"))):
        yield word
        # A test creates this file when it has received the first word.
        while "gate" in event and not os.path.exists(event["gate"]):
            time.sleep(0.01)
    if event.get("fail"):
        raise ValueError("no more words")


def respond(api, request_id, chunks):
    connection = http.client.HTTPConnection(api)
    connection.putrequest("POST", f"/2018-06-01/runtime/invocation/{request_id}/response")
    connection.putheader("Lambda-Runtime-Function-Response-Mode", "streaming")
    connection.putheader("Transfer-Encoding", "chunked")
    connection.putheader("Trailer", "Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body")
    connection.endheaders()
    trailers = ""
    try:
        for chunk in chunks:
            data = chunk.encode()
            connection.send(b"%x\r\n%s\r\n" % (len(data), data))
    except Exception as error:
        body = json.dumps({"errorType": type(error).__name__, "errorMessage": str(error)})
        trailers = (
            f"Lambda-Runtime-Function-Error-Type: {type(error).__name__}\r\n"
            f"Lambda-Runtime-Function-Error-Body: {base64.b64encode(body.encode()).decode()}\r\n"
        )
    connection.send(f"0\r\n{trailers}\r\n".encode())
    connection.getresponse().read()
    connection.close()


api = os.environ["AWS_LAMBDA_RUNTIME_API"]
while True:
    poll = http.client.HTTPConnection(api)
    poll.request("GET", "/2018-06-01/runtime/invocation/next")
    call = poll.getresponse()
    event = json.loads(call.read())
    poll.close()
    respond(api, call.headers["Lambda-Runtime-Aws-Request-Id"], handler(event))
