package api

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/hearthd/hearth"
)

// Ptr returns a pointer to v, for optional members.
func Ptr[T any](v T) *T { return &v }

// Optional returns a pointer to v; nil when v is a zero value, for a member that
// is left out when there is nothing to say.
func Optional[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

// Value returns what p points to, or the zero value when the member is absent.
func Value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// Time is a timestamp member: in JSON, seconds since 1970 with a fraction to
// the millisecond. The zero Time is an absent member.
type Time struct{ time.Time }

// MarshalJSON writes seconds.
func (t Time) MarshalJSON() ([]byte, error) {
	if t.IsZero() {
		return []byte("null"), nil
	}
	ms := t.UnixMilli()
	if ms%1000 == 0 {
		return strconv.AppendInt(nil, ms/1000, 10), nil
	}
	return strconv.AppendFloat(nil, float64(ms)/1000, 'f', 3, 64), nil
}

// UnmarshalJSON reads seconds, RFC 3339 in a string, or null.
func (t *Time) UnmarshalJSON(data []byte) error {
	if bytes.Equal(data, []byte("null")) {
		return nil
	}
	parsed, err := parseTime(string(bytes.Trim(data, `"`)))
	if err != nil {
		return hearth.Errorf(hearth.ErrSerialization, "%s", err)
	}
	*t = parsed
	return nil
}

// maxSeconds keeps a timestamp within the years that time.Time can print.
const maxSeconds = 253402300799 // 9999-12-31T23:59:59Z

func parseSeconds(s string) (Time, error) {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(f) || math.Abs(f) > maxSeconds {
		return Time{}, fmt.Errorf("%q is not a time in seconds", s)
	}
	return Time{time.UnixMilli(int64(math.Round(f * 1000))).UTC()}, nil
}

// parseTime reads a timestamp of a query: RFC 3339, which is what the protocol
// says, or seconds.
func parseTime(s string) (Time, error) {
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return Time{t.UTC()}, nil
	}
	return parseSeconds(s)
}
