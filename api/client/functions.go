package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/hearthd/hearth/internal/functionfile"
)

const functionsPath = "/2015-03-31/functions"

// settleInterval is the time between two looks at a function that is changing.
const settleInterval = 50 * time.Millisecond

// Configuration is what the daemon says of a function; AWS's
// FunctionConfiguration without what hearth's command line does not show.
type Configuration struct {
	FunctionName           string
	FunctionArn            string
	Version                string
	Description            string `json:",omitempty"`
	PackageType            string `json:",omitempty"`
	Runtime                string `json:",omitempty"`
	Handler                string `json:",omitempty"`
	Role                   string `json:",omitempty"`
	Architectures          []string
	Timeout                int                            // seconds
	MemorySize             int                            // MB
	EphemeralStorage       *functionfile.EphemeralStorage `json:",omitempty"`
	Environment            *functionfile.Environment      `json:",omitempty"`
	Layers                 []LayerReference               `json:",omitempty"`
	CodeSize               int64                          // bytes
	CodeSha256             string
	LastModified           string
	State                  string `json:",omitempty"`
	StateReason            string `json:",omitempty"`
	LastUpdateStatus       string `json:",omitempty"`
	LastUpdateStatusReason string `json:",omitempty"`
	RevisionId             string `json:",omitempty"`
}

// LayerReference is a layer version that a function has.
type LayerReference struct {
	Arn      string
	CodeSize int64 // bytes
}

// functionPath is the path of a function, given by name or ARN, and of a
// resource below it.
func functionPath(function, below string) string {
	return functionsPath + "/" + url.PathEscape(function) + below
}

// ListFunctions returns all functions, in the daemon's order.
func (c *Client) ListFunctions(ctx context.Context) ([]Configuration, error) {
	functions, err := listAll[Configuration](ctx, c, functionsPath, "Functions")
	if err != nil {
		return nil, fmt.Errorf("list functions: %w", err)
	}
	return functions, nil
}

// listAll returns the members of all pages of a listing.
func listAll[T any](ctx context.Context, c *Client, path, member string) ([]T, error) {
	all := []T{}
	query := url.Values{}
	for {
		var page map[string]json.RawMessage
		if err := c.call(ctx, request{method: http.MethodGet, path: path, query: query}, nil, &page); err != nil {
			return nil, err
		}
		var items []T
		var next *string
		if err := errors.Join(decodeMember(page, member, &items), decodeMember(page, "NextMarker", &next)); err != nil {
			return nil, err
		}
		all = append(all, items...)
		if next == nil || *next == "" {
			return all, nil
		}
		query.Set("Marker", *next)
	}
}

// decodeMember decodes a member of an answer, if it is there.
func decodeMember(object map[string]json.RawMessage, member string, to any) error {
	raw, ok := object[member]
	if !ok {
		return nil
	}
	if err := json.Unmarshal(raw, to); err != nil {
		return fmt.Errorf("read %s of the daemon's answer: %w", member, err)
	}
	return nil
}

// GetFunction returns one function's configuration.
func (c *Client) GetFunction(ctx context.Context, function string) (Configuration, error) {
	var configuration Configuration
	err := c.call(ctx, request{method: http.MethodGet, path: functionPath(function, "/configuration")}, nil, &configuration)
	if err != nil {
		return Configuration{}, fmt.Errorf("get function %s: %w", function, err)
	}
	return configuration, nil
}

// DeleteFunction deletes a function with all its versions.
func (c *Client) DeleteFunction(ctx context.Context, function string) error {
	if err := c.call(ctx, request{method: http.MethodDelete, path: functionPath(function, "")}, nil, nil); err != nil {
		return fmt.Errorf("delete function %s: %w", function, err)
	}
	return nil
}

// CreateFunction creates a function from its description and a ZIP archive. It
// returns before the function is active: see Settle.
func (c *Client) CreateFunction(ctx context.Context, file functionfile.File, archive []byte) error {
	type code struct{ ZipFile []byte }
	input := struct {
		functionfile.File
		Code code
	}{file, code{archive}}
	if err := c.call(ctx, request{method: http.MethodPost, path: functionsPath}, input, nil); err != nil {
		return fmt.Errorf("create function %s: %w", file.FunctionName, err)
	}
	return nil
}

// UpdateFunctionCode replaces a function's code. Architectures may be empty:
// unchanged. It returns before the update is done: see Settle.
func (c *Client) UpdateFunctionCode(ctx context.Context, function string, archive []byte, architectures []string) error {
	input := struct {
		ZipFile       []byte
		Architectures []string `json:",omitempty"`
	}{archive, architectures}
	if err := c.call(ctx, request{method: http.MethodPut, path: functionPath(function, "/code")}, input, nil); err != nil {
		return fmt.Errorf("update the code of %s: %w", function, err)
	}
	return nil
}

// UpdateFunctionConfiguration changes a function's settings; members that are
// zero stay as they are. It returns before the update is done: see Settle.
func (c *Client) UpdateFunctionConfiguration(ctx context.Context, function, role string, settings functionfile.Settings) error {
	input := struct {
		functionfile.Settings
		Role string `json:",omitempty"`
	}{settings, role}
	if err := c.call(ctx, request{method: http.MethodPut, path: functionPath(function, "/configuration")}, input, nil); err != nil {
		return fmt.Errorf("update the configuration of %s: %w", function, err)
	}
	return nil
}

// Settle waits until a function has been created and updated, as far as it was
// asked for before, and returns its configuration then. A creation or an update
// that failed is an error with the daemon's reason.
func (c *Client) Settle(ctx context.Context, function string) (Configuration, error) {
	ticker := time.NewTicker(settleInterval)
	defer ticker.Stop()
	for {
		configuration, err := c.GetFunction(ctx, function)
		if err != nil {
			return Configuration{}, err
		}
		switch {
		case configuration.State == "Failed":
			return configuration, fmt.Errorf("function %s was not created: %s", function, configuration.StateReason)
		case configuration.LastUpdateStatus == "Failed":
			return configuration, fmt.Errorf("function %s was not updated: %s", function, configuration.LastUpdateStatusReason)
		case configuration.State != "Pending" && configuration.LastUpdateStatus != "InProgress":
			return configuration, nil
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return Configuration{}, fmt.Errorf("wait for function %s: %w", function, ctx.Err())
		}
	}
}
