#!/bin/sh
# An extension that prints its events, and does what they tell by way of the
# request id.
tmp=${TMPDIR:-/tmp}
api=http://$AWS_LAMBDA_RUNTIME_API/2020-01-01/extension
name=$(basename "$0")
id=$(curl -sS -D - -o /dev/null -H "Lambda-Extension-Name: $name" --data "{\"events\":[$EVENTS]}" "$api/register" |
	tr -d '\r' | sed -n 's/^lambda-extension-identifier: //Ip')
[ -n "$id" ] || exit 9
[ ! -e "$tmp"/crash-in-init ] || { rm "$tmp"/crash-in-init; exit 17; }
while event=$(curl -sS -H "Lambda-Extension-Identifier: $id" "$api/event/next"); do
	case $event in
	*SHUTDOWN*)
		echo "$name: $(echo "$event" | sed 's/"deadlineMs":[0-9]*/"deadlineMs":N/')"
		exit 0
		;;
	*crash-early*) exit 17 ;;
	*crash-late*) sleep 0.3; exit 17 ;;
	*slow*) sleep 0.5 ;;
	*ruin*) touch "$tmp"/crash-in-init; exit 17 ;;
	esac
	echo "$name: event"
done
