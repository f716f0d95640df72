#!/usr/bin/env bash
# The event-stream parsers of botocore and of the AWS SDK for JavaScript on the cases that this repository's decoder is tested with. Needs eng/install-interop.sh, and python3 with botocore.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../tests/interop"
python3 codec.py
node codec.mjs
