#!/bin/sh
# The life of a function, as the AWS CLI tells it; see testdata/life.txt. It
# shows no statuses and has no streams. What it would tell of layers and settings
# is left out: it speaks to hearth with the same library as boto3, and starts anew
# for each command.
#
# life.sh DIRECTORY: first.zip, second.zip and layer.zip are there, RUNTIME is
# the function's runtime.
set -eu
cd "$1"
role=arn:aws:iam::000000000000:role/any

export AWS_DEFAULT_OUTPUT=text
lambda() { aws lambda "$@"; }
life() { operation=$1; shift; lambda "$operation" --function-name life "$@"; }
life_wait() { lambda wait "$1" --function-name life; } # which is the waiter's
# Text has tabs between members.
tell() { printf '%s: ' "$1"; shift; printf '%s' "$*" | tr '\t\n' '  '; echo; }

# refused WHAT COMMAND...: the command must fail, with an exception.
refused() {
	what=$1
	shift
	if "$@" >stdout.txt 2>stderr.txt; then
		echo "$what: not refused" >&2
		exit 1
	fi
	tell "$what" "$(sed -n '/./{s/.*An error occurred (\([A-Za-z]*\)) when calling the [A-Za-z]* operation\( (reached[^)]*)\)\{0,1\}: /\1 /;p;}' stderr.txt)"
}

# invoke EVENT [OPTION...]: what the command prints is in printed.txt.
invoke() {
	printf '%s' "$1" >event.json
	shift
	life invoke --payload file://event.json "$@" answer.json >printed.txt
}
answer() { invoke "$@" && cat answer.json; }
configure() {
	life update-function-configuration --query '[Timeout,MemorySize]' "$@"
	life_wait function-updated-v2
}

create() {
	life create-function --runtime "$RUNTIME" --role "$role" --handler app.handler --zip-file fileb://first.zip "$@"
}
tell created "$(create --query '[State,StateReasonCode,Timeout,MemorySize,CodeSha256]')"
life_wait function-active-v2
tell active "$(life get-function --query 'Configuration.[State,LastUpdateStatus,Version]')"
refused duplicate create

invoke '{"do":"say","word":"tea"}' --log-type Tail --query '[StatusCode,ExecutedVersion]'
tell invoked "$(cat printed.txt)" "$(cat answer.json)"
tell log "$(life invoke --payload file://event.json --log-type Tail --query LogResult answer.json | base64 -d | grep ^said)"
invoke '{"do":"fail"}' --query '[StatusCode,FunctionError]'
tell failed "$(cat printed.txt)" "$(sed 's/.*"errorMessage": "\([^"]*\)", "errorType": "\([^"]*\)".*/\2 \1/' answer.json)"
invoke '{"do":"say","word":"later"}' --invocation-type Event
tell event "$(cat printed.txt)"
invoke '{}' --invocation-type DryRun
tell 'dry run' "$(cat printed.txt)"
refused 'no JSON' invoke '{'
{ printf '"'; head -c 6291456 /dev/zero | tr '\0' x; printf '"'; } >large.json
refused 'too large' life invoke --payload file://large.json answer.json

tell updating "$(life update-function-code --zip-file fileb://second.zip --query '[LastUpdateStatus,LastUpdateStatusReasonCode,CodeSha256]')"
life_wait function-updated-v2
tell updated "$(answer '{"do":"say","word":"tea"}')"
stale=$(life get-function-configuration --query RevisionId)
tell configured "$(configure --timeout 30 --memory-size 256 --environment 'Variables={COLOUR=green}')" \
	"$(life get-function-configuration --query Environment.Variables --output json | tr -d ' \n')"
tell settings "$(answer '{"do":"settings"}')"
refused stale life update-function-configuration --timeout 31 --revision-id "$stale"
refused 'too long' life update-function-configuration --timeout 901

first=$(life publish-version --query Version)
again=$(life publish-version --query Version)
configure --description second >printed.txt
second=$(life publish-version --description two --query Version)
lambda wait published-version-active --function-name life --qualifier 2
tell published "$first" "$again" "$second"
tell alias "$(life create-alias --name live --function-version 1 --query '[Name,FunctionVersion]')" "$(answer '{"do":"settings"}' --qualifier live)"
weights=$(life update-alias --name live --routing-config 'AdditionalVersionWeights={2=1.0}' --query 'keys(RoutingConfig.AdditionalVersionWeights)')
invoke '{"do":"settings"}' --qualifier live --query ExecutedVersion
tell weights "$weights" "$(cat printed.txt)"
life create-alias --name next --function-version '$LATEST' >printed.txt
tell aliases "$(life list-aliases --page-size 1 --query 'Aliases[].Name')"
# In text, a query is about each page.
tell versions "$(life list-versions-by-function --page-size 1 --query 'join(`/`, [Versions[0].Version, to_string(length(Versions))])')"

statement=$(life add-permission --statement-id bucket --action lambda:InvokeFunction --principal s3.amazonaws.com --query Statement)
tell permission "$(echo "$statement" | sed 's/.*"Principal":\({[^}]*}\).*/\1/')"
policy=$(life get-policy --query Policy)
tell policy "$(echo "$policy" | sed 's/.*"Sid":"\([^"]*\)","Effect":"\([^"]*\)",.*"Action":"\([^"]*\)".*/\1 \2 \3/')"
life remove-permission --statement-id bucket
refused 'no policy' life get-policy

tell reserved "$(life put-function-concurrency --reserved-concurrent-executions 0)"
refused throttled life invoke answer.json
life delete-function-concurrency
tell reserved "$(life get-function-concurrency --query ReservedConcurrentExecutions)"

life delete-alias --name next
life delete-alias --name live
life delete-function --qualifier 1 >printed.txt
tell versions "$(life list-versions-by-function --query 'Versions[].Version')"
life delete-function >printed.txt
refused deleted life get-function
