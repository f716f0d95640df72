"""Decodes the cases of conformance/eventstream with botocore's EventStreamBuffer and prints the differences.

Each case is decoded at once and byte by byte.
"""
import hashlib
import json
import pathlib
import sys

import botocore
from botocore.eventstream import EventStreamBuffer

cases = pathlib.Path(__file__).parent.parent / "TestData" / "conformance" / "eventstream"


def expand(rule):
    if "hex" in rule:
        return bytes.fromhex(rule["hex"])
    if "utf8" in rule:
        return rule["utf8"].encode()
    if "concat" in rule:
        return b"".join(map(expand, rule["concat"]))
    if "repeat_hex" in rule:
        return bytes.fromhex(rule["repeat_hex"]) * rule["count"]
    x, out = rule["lcg_seed"], bytearray()
    for _ in range(rule["count"]):
        x = (x * 1103515245 + 12345) & 0x7FFFFFFF
        out.append(x >> 16 & 0xFF)
    return bytes(out)


def decode(fragments):
    buffer, payloads = EventStreamBuffer(), []
    try:
        for fragment in fragments:
            buffer.add_data(fragment)
            payloads += [event.payload for event in buffer]
    except Exception as exception:  # Users of botocore can receive any of these.
        return payloads, type(exception).__name__
    return payloads, "no error"


agreed = differs = 0
for folder in ("valid", "invalid"):
    for file in sorted((cases / folder).glob("*.json")):
        case = json.loads(file.read_text())
        wire, expect = expand(case["wire"]), case["expect"]
        payloads, end = decode([wire])
        if len(wire) < 100_000 and decode([wire[i : i + 1] for i in range(len(wire))]) != (payloads, end):
            print(f"{file.stem}: another outcome byte by byte")
        messages = expect["messages" if expect["result"] == "messages" else "messages_before_error"]
        wanted = [message["payload"]["sha256"] for message in messages for _ in range(message.get("times", 1))]
        fails = expect["result"] == "error" and "accepts" not in expect.get("also_acceptable", [])
        good = [hashlib.sha256(payload).hexdigest() for payload in payloads] == wanted and (end != "no error") == fails
        agreed, differs = agreed + good, differs + (not good)
        if not good:
            expected = expect.get("error", "no error")
            print(f"{folder}/{file.stem}: {len(payloads)} of {len(wanted)} messages, {end}; expected {expected}")
print(f"botocore {botocore.__version__}: {agreed} cases agree, {differs} differ")
