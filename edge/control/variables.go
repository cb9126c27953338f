package control

import (
	"bytes"
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"unicode/utf16"

	"github.com/hearthd/hearth"
)

// maxEnvironment is how large the variables of a function may be, in bytes of
// JSON.
const maxEnvironment = 4096

func checkEnvironment(env map[string]string) error {
	measured := compactJSON(env)
	if len(measured) > maxEnvironment {
		return hearth.Errorf(hearth.ErrInvalid,
			"Lambda was unable to configure your environment variables because the environment variables you have provided exceeded the 4KB limit. String measured: %s", measured)
	}
	var reserved []string
	for key := range env {
		if isReserved(key) {
			reserved = append(reserved, key)
		}
	}
	if len(reserved) > 0 {
		slices.Sort(reserved)
		return hearth.Errorf(hearth.ErrInvalid,
			"Lambda was unable to configure your environment variables because the environment variables you have provided contains reserved keys that are currently not supported for modification. Reserved keys used in this request: %s", strings.Join(reserved, ", "))
	}
	return nil
}

// compactJSON writes variables as AWS measures them, in the order in which AWS
// has them: see javaOrder.
func compactJSON(env map[string]string) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	write := func(text string, after byte) {
		if err := enc.Encode(text); err == nil { // strings encode
			b.Bytes()[b.Len()-1] = after // the line's end
		}
	}
	b.WriteByte('{')
	for _, key := range javaOrder(env) {
		write(key, ':')
		write(env[key], ',')
	}
	return append(bytes.TrimSuffix(b.Bytes(), []byte(",")), '}')
}

// javaOrder returns the keys in the order of a Java HashMap, which is that of
// the recorded messages: by the lower bits of the hash code, in a table that is
// at most three quarters full.
func javaOrder(env map[string]string) []string {
	size := uint32(16)
	for len(env) > int(size)/4*3 {
		size *= 2
	}
	slot := func(key string) uint32 {
		var h uint32
		for _, unit := range utf16.Encode([]rune(key)) {
			h = 31*h + uint32(unit)
		}
		return (h ^ h>>16) & (size - 1)
	}
	return slices.SortedFunc(maps.Keys(env), func(a, b string) int {
		return cmp.Or(cmp.Compare(slot(a), slot(b)), strings.Compare(a, b))
	})
}

// isReserved are the keys that AWS lets nobody set.
func isReserved(key string) bool {
	switch key {
	case "_HANDLER", "_X_AMZN_TRACE_ID", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_EXECUTION_ENV",
		"AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_VERSION",
		"AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME",
		"AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
		"AWS_LAMBDA_RUNTIME_API", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR",
		"AWS_LAMBDA_MAX_CONCURRENCY", "AWS_LAMBDA_METADATA_API", "AWS_LAMBDA_METADATA_TOKEN":
		return true
	}
	return false
}
