package api

import (
	"context"
	"net/http"
	"strings"

	"github.com/hearthd/hearth/internal/uuid"
)

// Call is the HTTP side of a request, for handlers that need more than the
// operation's input.
type Call struct {
	RequestID string // also the X-Amzn-RequestId of the response
	Operation string
	HTTP      *http.Request // the body has been read
	Response  http.Header   // of the response; a handler may add to it before it returns

	path *labelled // for an Authorizer only
}

// labelled is the path of a request as its operation's pattern reads it.
type labelled struct {
	pattern string
	labels  []string // in the order of the pattern
}

// Label returns what the path has in place of a label of the operation's
// pattern, decoded, such as FunctionName, to an Authorizer; empty when the
// pattern has no such label.
func (c *Call) Label(name string) string {
	if c.path == nil {
		return ""
	}
	i := 0
	for segment := range strings.SplitSeq(c.path.pattern, "/") {
		label, ok := strings.CutPrefix(segment, "{")
		if !ok {
			continue
		}
		if strings.TrimRight(label, "+}") == name && i < len(c.path.labels) {
			return c.path.labels[i]
		}
		i++
	}
	return ""
}

type callKey struct{}

// CallFrom returns the call that ctx belongs to. Outside a Router's handlers
// it returns nil.
func CallFrom(ctx context.Context) *Call {
	c, _ := ctx.Value(callKey{}).(*Call)
	return c
}

// RequestID returns the id of the request that ctx belongs to; a new one when
// it has none.
func RequestID(ctx context.Context) string {
	if c := CallFrom(ctx); c != nil {
		return c.RequestID
	}
	return NewRequestID()
}

// NewRequestID returns a random UUID of version 4, as AWS's request ids are.
func NewRequestID() string { return uuid.New() }
