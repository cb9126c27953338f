package observe

import (
	"testing"
	"time"
)

func TestParseSince(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	tests := []struct {
		text string
		want time.Time
	}{
		{"", time.Time{}},
		{"90s", now.Add(-90 * time.Second)},
		{"2026-11-21T10:00:00Z", now.Add(-2 * time.Hour)},
	}
	for _, test := range tests {
		got, err := parseSince(test.text, now)
		if err != nil || !got.Equal(test.want) {
			t.Errorf("parseSince(%q) = %v, %v; want %v", test.text, got, err, test.want)
		}
	}
}
