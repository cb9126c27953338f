package invocation

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
)

// Invocation types and log types.
const (
	eventInvoke  = "Event"
	invokeDryRun = "DryRun"
	logTail      = "Tail"
)

// maxClientContext is the size of the header in bytes, before decoding.
const maxClientContext = 3583

func (s *Service) invoke(ctx context.Context, in *api.InvokeInput) (*api.InvokeOutput, error) {
	name, qualifier, err := s.opts.Scope.Function(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	switch api.Value(in.InvocationType) {
	case invokeDryRun:
		if _, err := s.opts.Invoker.Resolve(ctx, name, qualifier); err != nil {
			return nil, err
		}
		return &api.InvokeOutput{StatusCode: api.Ptr(http.StatusNoContent)}, nil
	case eventInvoke:
		return s.invokeEvent(ctx, name, qualifier, in)
	}
	inv, err := newInvocation(ctx, event{in.Payload, in.ClientContext, in.TenantId, in.LogType})
	if err != nil {
		return nil, err
	}
	res, err := s.opts.Invoker.Invoke(ctx, name, qualifier, inv)
	if err != nil {
		return nil, err
	}
	h := api.CallFrom(ctx).Response
	h["X-Amzn-Trace-Id"] = []string{inv.TraceID}
	h["X-Amzn-Remapped-Content-Length"] = []string{"0"}
	if res.ContentType == "application/octet-stream" { // of a streaming handler
		h["Content-Type"] = []string{res.ContentType}
	} else {
		h["Content-Type"] = []string{"application/json"}
	}
	out := &api.InvokeOutput{
		StatusCode:      api.Ptr(http.StatusOK),
		Payload:         res.Payload,
		ExecutedVersion: &res.ExecutedVersion,
	}
	if res.FunctionError != "" {
		out.FunctionError = &res.FunctionError
	}
	if inv.Tail {
		out.LogResult = api.Ptr(base64.StdEncoding.EncodeToString(res.LogTail))
	}
	return out, nil
}

// event is what the inputs of invocations have in common.
type event struct {
	payload                          []byte
	clientContext, tenantID, logType *string
}

// newInvocation checks an event and makes the invocation of it.
func newInvocation(ctx context.Context, in event) (*hearth.Invocation, error) {
	clientContext, err := decodeClientContext(api.Value(in.clientContext))
	if err != nil {
		return nil, err
	}
	payload := in.payload
	if len(payload) == 0 {
		payload = []byte("{}") // what AWS gives the handler
	} else if err := checkJSON(payload); err != nil {
		return nil, err
	}
	call := api.CallFrom(ctx)
	return &hearth.Invocation{
		RequestID:     call.RequestID,
		Payload:       payload,
		TraceID:       call.HTTP.Header.Get("X-Amzn-Trace-Id"),
		ClientContext: clientContext,
		TenantID:      api.Value(in.tenantID),
		Tail:          api.Value(in.logType) == logTail,
	}, nil
}

func decodeClientContext(header string) (string, error) {
	if header == "" {
		return "", nil
	}
	decoded, err := base64.StdEncoding.DecodeString(header)
	if err != nil || len(header) > maxClientContext || !json.Valid(decoded) {
		return "", hearth.Errorf(hearth.ErrInvalidContent, "Client context must be a valid Base64-encoded JSON object.")
	}
	return string(decoded), nil
}
