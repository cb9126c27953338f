package exit

import (
	"fmt"
	"strings"
	"testing"
)

func TestTopic_EveryCode(t *testing.T) {
	text := NewTopic().Long + "\n"
	for _, r := range table() {
		if line := fmt.Sprintf("%5d  %s\n", r.code, r.meaning); !strings.Contains(text, line) {
			t.Errorf("the topic lacks %q", line)
		}
	}
}
