# handler EVENT prints the response; what goes to standard error is logged.
handler() {
	name=$(printf '%s' "$1" | sed -n 's/.*"name" *: *"\([^"\\]*\)".*/\1/p')
	echo "greeting ${name:-world}" >&2
	printf '{"message":"%s, %s, from a shell script"}' "$GREETING" "${name:-world}"
}
