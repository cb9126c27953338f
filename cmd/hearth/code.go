package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
	"github.com/hearthd/hearth/edge/archive"
	"github.com/hearthd/hearth/edge/layers"
	"github.com/hearthd/hearth/edge/links"
	"github.com/hearthd/hearth/edge/objects"
	"github.com/hearthd/hearth/internal/sigv4"
	"github.com/hearthd/hearth/sandbox/bundle"
	"github.com/hearthd/hearth/store/records"
)

// codeServices are the parts that archives go through: those of functions and
// of layers.
type codeServices struct {
	intake *archive.Intake
	links  *links.Links
	layers *layers.Service
}

func (d *daemon) newCodeServices(getenv func(string) string) (codeServices, error) {
	source, err := newObjects(d.cfg, getenv)
	if err != nil {
		return codeServices{}, err
	}
	mapped, err := parseLayerMap(d.cfg.LayerMap, d.logger)
	if err != nil {
		return codeServices{}, err
	}
	s := codeServices{
		intake: archive.New(archive.Options{Store: d.catalog, Check: d.engine.CheckArchive, Objects: source, Dir: d.cfg.DataDir}),
		links:  links.New(d.catalog, d.logger),
	}
	s.layers = layers.New(layers.Options{
		Versions: layerVersions{d.layers, d.access.policies}, Lists: d.layers, Allowed: d.mayUseLayer, Intake: s.intake, Holder: d.catalog, Links: s.links,
		Scope: d.defaults(), Foreign: mapped,
	})
	return s, nil
}

// Register makes a router serve layers.
func (s codeServices) Register(r *api.Router) { s.layers.Register(r) }

// newObjects returns what S3Bucket and S3Key are read from; nil when nothing is
// configured. Requests to an endpoint are signed with the usual variables.
func newObjects(cfg config, getenv func(string) string) (archive.Objects, error) {
	switch {
	case cfg.S3Endpoint != "":
		endpoint, err := objects.NewEndpoint(objects.EndpointOptions{
			URL: cfg.S3Endpoint, Region: cfg.Region,
			Credentials: sigv4.Credentials{
				AccessKeyID: getenv("AWS_ACCESS_KEY_ID"), SecretAccessKey: getenv("AWS_SECRET_ACCESS_KEY"), SessionToken: getenv("AWS_SESSION_TOKEN"),
			},
		})
		if err != nil {
			return nil, usagef("s3-endpoint: %w", err)
		}
		return endpoint, nil
	case cfg.S3Dir != "":
		return objects.NewDir(cfg.S3Dir), nil
	}
	return nil, nil //nolint:nilnil // none is fine
}

// layerMap has archives or directories for the ARNs of layer versions, which
// may have an asterisk for what varies, such as the version.
type layerMap struct {
	mappings []layerMapping
	logger   *slog.Logger
}

type layerMapping struct{ arn, path string }

// parseLayerMap reads ARN=PATH,...
func parseLayerMap(s string, logger *slog.Logger) (layerMap, error) {
	m := layerMap{logger: logger}
	for _, pair := range strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == '\n' }) {
		arn, file, ok := strings.Cut(strings.TrimSpace(pair), "=")
		if _, err := path.Match(arn, ""); err != nil || !ok || !strings.HasPrefix(arn, "arn:") || file == "" {
			return layerMap{}, usagef("layer-map: %q is not ARN=PATH", pair)
		}
		m.mappings = append(m.mappings, layerMapping{arn, file})
	}
	return m, nil
}

// Open makes the map edge/layers' Foreign. A directory is zipped on the way.
func (m layerMap) Open(ctx context.Context, arn string) (io.ReadCloser, error) {
	for _, mapping := range m.mappings {
		if ok, err := path.Match(mapping.arn, arn); err != nil || !ok {
			continue
		}
		content, err := openMapped(ctx, mapping.path)
		if err != nil {
			// The caller may be anybody with a key; the path is the operator's.
			m.logger.Error("open what --layer-map names", "layer", arn, "error", err)
			return nil, hearth.Errorf(hearth.ErrInvalid, "What --layer-map names for %s cannot be read; hearth's log says why.", arn)
		}
		return content, nil
	}
	return nil, hearth.ErrNotFound
}

// openMapped opens an archive, or a directory as one.
func openMapped(ctx context.Context, path string) (io.ReadCloser, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return packed(ctx, path), nil
	}
	return os.Open(path)
}

// packed is a directory as an archive. Closing it ends the packing.
func packed(ctx context.Context, dir string) io.ReadCloser {
	r, w := io.Pipe()
	p := &packing{PipeReader: r, done: make(chan struct{})}
	// Ends with the archive, or when the reader is closed; Close waits for it.
	go func() {
		defer close(p.done)
		w.CloseWithError(bundle.Pack(ctx, dir, w)) // never fails: see io.Pipe
	}()
	return p
}

type packing struct {
	*io.PipeReader
	done chan struct{}
}

func (p *packing) Close() error {
	err := p.PipeReader.Close()
	<-p.done
	return err
}

// opt is the directory with a function's layers, merged in their order; empty
// when it has none.
func (e *engine) opt(ctx context.Context, fn *hearth.Function) (dir string, release func(), err error) {
	if len(fn.Layers) == 0 {
		return "", nil, nil
	}
	archives := make([]bundle.Archive, len(fn.Layers))
	for i, l := range fn.Layers {
		archives[i] = bundle.Archive{Digest: l.Digest, Open: func(ctx context.Context) (io.ReadCloser, int64, error) {
			r, err := e.opts.openCode(ctx, l.Digest)
			return r, l.Size, err
		}}
	}
	dir, release, err = e.bundles.Merge(ctx, archives)
	if err != nil {
		return "", nil, fmt.Errorf("unpack layers of %s: %w", fn.Name, err)
	}
	return dir, release, nil
}

// errImage is what invoking an image function answers.
var errImage = hearth.Errorf(hearth.ErrNotImplemented, "hearth keeps functions of PackageType Image, and does not run them yet. Package the function as Zip to run it.")

// trees are the directories that the sandboxes of a function show.
type trees struct {
	task, opt string
	held      []func()
}

func (t *trees) release() {
	for _, release := range t.held {
		if release != nil {
			release()
		}
	}
}

// trees unpacks a function's code and layers. The caller releases them.
func (e *engine) trees(ctx context.Context, fn *hearth.Function) (*trees, error) {
	task, releaseTask, err := e.task(ctx, fn)
	if err != nil {
		return nil, err
	}
	t := &trees{task: task, held: []func(){releaseTask}}
	opt, releaseOpt, err := e.opt(ctx, fn)
	if err != nil {
		t.release()
		return nil, err
	}
	t.opt, t.held = opt, append(t.held, releaseOpt)
	return t, nil
}

// attached is the Attached of functions and of aliases on the record set.
type attached struct{ *records.Set }

// urlKind is the collection of function URLs.
const urlKind = "url"

func (a attached) DeleteAlias(ctx context.Context, name hearth.Name, alias string) error {
	return a.DeleteExcept(ctx, name, alias, urlKind)
}

// validateCode checks the settings that say where code comes from.
func (c *config) validateCode() error {
	if c.S3Endpoint != "" && c.S3Dir != "" {
		return usagef("s3-endpoint and s3-dir: only one of them can be read from")
	}
	_, err := newObjects(*c, func(string) string { return "" })
	_, mapErr := parseLayerMap(c.LayerMap, nil)
	return errors.Join(err, mapErr)
}

// absolute makes the settings that are paths good for every directory.
func absolute(paths ...*string) error {
	for _, p := range paths {
		if *p == "" {
			continue
		}
		abs, err := filepath.Abs(*p)
		if err != nil {
			return err
		}
		*p = abs
	}
	return nil
}
