package invocation

import (
	"context"
	"time"
)

// AWS's bandwidth of a streamed response: the first 6 MiB as fast as the caller
// takes them, then 2 MiB a second, in steps of an eighth of a second.
const (
	shapeFree = 6 << 20
	shapeRate = 2 << 20
	shapeStep = 125 * time.Millisecond
)

// shaper holds a response back to AWS's bandwidth. A nil one does not.
type shaper struct {
	tokens int // bytes that may be sent now
	filled time.Time
}

func newShaper(on bool) *shaper {
	if !on {
		return nil
	}
	return &shaper{tokens: shapeFree, filled: time.Now()}
}

// wait returns when n bytes may be sent, or ctx has ended.
func (s *shaper) wait(ctx context.Context, n int) {
	if s == nil {
		return
	}
	for s.fill(); s.tokens < n; s.fill() {
		select {
		case <-time.After(time.Until(s.filled.Add(shapeStep))):
		case <-ctx.Done():
			return
		}
	}
	s.tokens -= n
}

// fill adds the tokens of the steps that have passed; unused ones are kept up
// to shapeFree.
func (s *shaper) fill() {
	steps := time.Since(s.filled) / shapeStep
	s.filled = s.filled.Add(steps * shapeStep)
	s.tokens = min(shapeFree, s.tokens+int(steps)*int(shapeRate*shapeStep/time.Second))
}
