#!/usr/bin/env bash
# Installs the official clients that the tests run against LocalLambdaServer: install-interop.sh [--without-runtime].
# These are the AWS SDK for JavaScript and the Node.js runtime interface client, which compiles an addon on Linux.
# Requires node 20 or later, npm, cmake, make, a C++ compiler and python3. boto3 must be installed for python3.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../tests/interop"
npm ci --no-audit --no-fund --ignore-scripts

# Compiling the runtime interface client takes minutes. The JavaScript SDK does not need it.
[ "${1:-}" = --without-runtime ] || npm rebuild aws-lambda-ric
