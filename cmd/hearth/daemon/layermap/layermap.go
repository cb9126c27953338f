// Package layermap is --layer-map: layers that were not published here, such as those
// of other accounts, from archives and directories of this host.
package layermap

import (
	"context"
	"io"
	"log/slog"
	"path"
	"strings"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/cmd/hearth/code"
	"github.com/hearthd/hearth/cmd/hearth/exit"
)

// Map has archives or directories for the ARNs of layer versions, which
// may have an asterisk for what varies, such as the version.
type Map struct {
	entries []entry
	logger  *slog.Logger
}

type entry struct{ arn, path string }

// Parse reads ARN=PATH,... What is wrong with it is a usage error. The paths are
// looked at when a layer is opened.
func Parse(s string, logger *slog.Logger) (Map, error) {
	m := Map{logger: logger}
	for _, pair := range strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == '\n' }) {
		arn, file, ok := strings.Cut(strings.TrimSpace(pair), "=")
		if _, err := path.Match(arn, ""); err != nil || !ok || !strings.HasPrefix(arn, "arn:") || file == "" {
			return Map{}, exit.Usagef("layer-map: %q is not ARN=PATH", pair)
		}
		m.entries = append(m.entries, entry{arn, file})
	}
	return m, nil
}

// Open makes the map edge/layers' Foreign. A directory is zipped on the way.
// hearth.ErrNotFound: there is no such ARN in it.
func (m Map) Open(ctx context.Context, arn string) (io.ReadCloser, error) {
	for _, e := range m.entries {
		if ok, err := path.Match(e.arn, arn); err != nil || !ok {
			continue
		}
		content, err := code.Open(ctx, e.path)
		if err != nil {
			// The caller may be anybody with a key; the path is the operator's.
			m.logger.Error("open what --layer-map names", "layer", arn, "error", err)
			return nil, hearth.Errorf(hearth.ErrInvalid, "What --layer-map names for %s cannot be read; hearth's log says why.", arn)
		}
		return content, nil
	}
	return nil, hearth.ErrNotFound
}
