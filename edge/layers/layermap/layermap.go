// Package layermap has layers that were not published here, such as those of other
// accounts, from archives and directories of this machine: what --layer-map says.
package layermap

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"path"
	"strings"

	"github.com/hearthd/hearth"
)

// Entry says where the content of layer versions is.
type Entry struct {
	ARN  string // of a layer version; an asterisk for what varies, such as the version
	Path string // of an archive, or of a directory
}

// Parse reads ARN=PATH,... The paths are looked at when a layer is opened.
func Parse(s string) ([]Entry, error) {
	var entries []Entry
	for _, pair := range strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == '\n' }) {
		arn, file, ok := strings.Cut(strings.TrimSpace(pair), "=")
		if _, err := path.Match(arn, ""); err != nil || !ok || !strings.HasPrefix(arn, "arn:") || file == "" {
			return nil, fmt.Errorf("%q is not ARN=PATH", pair)
		}
		entries = append(entries, Entry{arn, file})
	}
	return entries, nil
}

// Archives opens archives of this machine; see sandbox/bundle.
type Archives interface {
	// Open returns the ZIP archive at path, or one of the directory at path. The
	// caller closes it.
	Open(ctx context.Context, path string) (io.ReadCloser, error)
}

// Options of a Map. All are required but Logger.
type Options struct {
	Entries  []Entry // the first one that matches counts
	Archives Archives
	Logger   *slog.Logger
}

// Map is edge/layers' Foreign: it has the layer versions that its entries name. It
// may be used by several goroutines.
type Map struct{ opts Options }

// New returns a Map.
func New(opts Options) *Map {
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	return &Map{opts}
}

// Open returns the archive of a layer version, which the caller closes. A directory
// is zipped on the way. hearth.ErrNotFound: no entry matches the ARN.
func (m *Map) Open(ctx context.Context, arn string) (io.ReadCloser, error) {
	for _, e := range m.opts.Entries {
		if ok, err := path.Match(e.ARN, arn); err != nil || !ok {
			continue
		}
		content, err := m.opts.Archives.Open(ctx, e.Path)
		if err != nil {
			// The caller may be anybody with a key; the path is the operator's.
			m.opts.Logger.Error("open what --layer-map names", "layer", arn, "error", err)
			return nil, hearth.Errorf(hearth.ErrInvalid, "What --layer-map names for %s cannot be read; hearth's log says why.", arn)
		}
		return content, nil
	}
	return nil, hearth.ErrNotFound
}
