package launch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/sandbox/bundle"
)

// prepareAttempts is how often code is unpacked when the host is at fault: a
// machine that is busy for a moment must not leave a function Failed for good.
const prepareAttempts = 3

// Prepare unpacks a function's code and layers ahead of its first environment.
func (l *Launcher) Prepare(ctx context.Context, fn *hearth.Function) error {
	if fn.PackageType == hearth.PackageImage {
		return nil // nothing to unpack: it is the reference that was accepted
	}
	for attempt := 1; ; attempt++ {
		t, err := l.trees(ctx, fn)
		if err == nil {
			t.release()
		}
		if _, callers := errors.AsType[*hearth.Error](err); err == nil || callers || attempt == prepareAttempts || ctx.Err() != nil {
			return err
		}
		l.opts.Logger.Warn("unpack code again", "function", fn.Name.String(), "error", err)
		select {
		case <-time.After(time.Duration(attempt) * 200 * time.Millisecond):
		case <-ctx.Done():
			return err
		}
	}
}

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
func (l *Launcher) trees(ctx context.Context, fn *hearth.Function) (*trees, error) {
	task, releaseTask, err := l.task(ctx, fn)
	if err != nil {
		return nil, err
	}
	t := &trees{task: task, held: []func(){releaseTask}}
	opt, releaseOpt, err := l.opt(ctx, fn)
	if err != nil {
		t.release()
		return nil, err
	}
	t.opt, t.held = opt, append(t.held, releaseOpt)
	return t, nil
}

// task is the directory with the function's code.
func (l *Launcher) task(ctx context.Context, fn *hearth.Function) (dir string, release func(), err error) {
	if fn.Code.Dir != "" {
		return fn.Code.Dir, nil, nil
	}
	dir, release, err = l.bundles.Acquire(ctx, fn.Code.Digest, func(ctx context.Context) (io.ReadCloser, int64, error) {
		r, err := l.opts.Code.OpenCode(ctx, fn.Code.Digest)
		return r, fn.Code.Size, err
	})
	if err != nil {
		return "", nil, fmt.Errorf("unpack code of %s: %w", fn.Name, err)
	}
	return dir, release, nil
}

// opt is the directory with a function's layers, merged in their order; empty
// when it has none.
func (l *Launcher) opt(ctx context.Context, fn *hearth.Function) (dir string, release func(), err error) {
	if len(fn.Layers) == 0 {
		return "", nil, nil
	}
	archives := make([]bundle.Archive, len(fn.Layers))
	for i, layer := range fn.Layers {
		archives[i] = bundle.Archive{Digest: layer.Digest, Open: func(ctx context.Context) (io.ReadCloser, int64, error) {
			r, err := l.opts.Code.OpenCode(ctx, layer.Digest)
			return r, layer.Size, err
		}}
	}
	dir, release, err = l.bundles.Merge(ctx, archives)
	if err != nil {
		return "", nil, fmt.Errorf("unpack layers of %s: %w", fn.Name, err)
	}
	return dir, release, nil
}

// errImage is what invoking an image function answers.
var errImage = hearth.Errorf(hearth.ErrNotImplemented, "hearth keeps functions of PackageType Image, and does not run them yet. Package the function as Zip to run it.")
