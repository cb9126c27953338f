package api_test

import "strings"

// sampleString returns a value that the model allows for a member.
func sampleString(member string) string {

	samples := map[string]string{}
	if s, ok := samples[member]; ok {
		return s
	}
	return strings.ToLower(member[:0]) + "example"
}

func sampleNumber(member string) int64 {
	samples := map[string]int64{"StatusCode": 202, "Status": 202}
	if n, ok := samples[member]; ok {
		return n
	}
	return 2
}
