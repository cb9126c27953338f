#!/bin/sh
# A runtime in shell, as in AWS's tutorial: it counts its invocations and
# echoes the event.
set -eu
n=0
echo "shell runtime starts" >&2
headers=$(mktemp)
while :; do
	event=$(curl -sS -D "$headers" "http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation/next")
	id=$(tr -d '\r' <"$headers" | sed -n 's/^Lambda-Runtime-Aws-Request-Id: //p')
	n=$((n + 1))
	echo "event $n" >&2
	curl -sS -o /dev/null "http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation/$id/response" \
		--data-binary "{\"n\":$n,\"handler\":\"$_HANDLER\",\"event\":$event}"
done
