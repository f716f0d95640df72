#!/usr/bin/env bash
# Prints how broken responses appear to users of boto3 and of the AWS SDK for JavaScript, for docs/comparison.md.
# Requires node, npm packages (eng/install-interop.sh), and python3 with boto3.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
dotnet build tests/LambdaStreaming.Soak -c Release -v quiet --nologo
soak=artifacts/bin/LambdaStreaming.Soak/release/LambdaStreaming.Soak
coproc SERVER { "$soak" serve; }
trap 'exec {SERVER[1]}>&-' EXIT
read -r url <&"${SERVER[0]}"
export AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY
export AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1
export AWS_ENDPOINT_URL_LAMBDA=${url%/} AWS_EC2_METADATA_DISABLED=true
export AWS_CONFIG_FILE=/nonexistent AWS_SHARED_CREDENTIALS_FILE=/nonexistent
export NO_PROXY=127.0.0.1 no_proxy=127.0.0.1
functions=(words no-complete truncated closed reset bit exception fails web-page integration oversized)
echo "boto3 $(python3 -c 'import boto3; print(boto3.__version__)')"
timeout 120 python3 tests/interop/faults.py "${functions[@]}"
package=./tests/interop/node_modules/@aws-sdk/client-lambda/package.json
echo "@aws-sdk/client-lambda $(node -p "require('$package').version")"
timeout 120 node tests/interop/faults.mjs "${functions[@]}"
