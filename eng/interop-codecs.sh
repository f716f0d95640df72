#!/usr/bin/env bash
# Runs the event-stream parsers of botocore and of the AWS SDK for JavaScript on the cases with which this repository's
# decoder is tested. Requires eng/install-interop.sh, and python3 with botocore.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../tests/interop"
python3 codec.py
node codec.mjs
