package environment

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"syscall"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/runtimeapi/extension"
	"github.com/hearthd/hearth/sandbox"
)

// externalExtensions lists the extensions directory of what is shown as /opt, in
// the order of names; one more than are allowed at most. All but directories are
// extensions, as on AWS: one that is no program is an error that names it.
func externalExtensions(opt string) ([]string, error) {
	if opt == "" {
		return nil, nil
	}
	entries, err := os.ReadDir(filepath.Join(opt, "extensions"))
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
			return nil, nil
		}
		return nil, fmt.Errorf("list extensions: %w", err)
	}
	var names []string
	for _, entry := range entries {
		if len(names) > extension.Max {
			break
		}
		if !entry.IsDir() {
			names = append(names, entry.Name())
		}
	}
	return names, nil
}

// startExtensions starts the external extensions and waits until all have
// registered.
func (e *Environment) startExtensions(r *run, deadline time.Time, timeout <-chan time.Time) verdict {
	for i, name := range e.extensions {
		if i >= extension.Max {
			r.session.LaunchFailed(name, "TooManyExtensions")
			return verdict{status: hearth.StatusError, errorType: launchError, message: "ErrTooManyExtensions"}
		}
		program := path.Join(e.box.Paths().Opt, "extensions", name)
		err := e.launch(r, name, sandbox.Command{Args: []string{program}, Env: e.variables().Extension()}, false, deadline)
		if err != nil {
			return e.launchVerdict(r, name, program, err)
		}
	}
	return e.awaitInit(r, r.session.Registered(), timeout)
}

// launchError is the error type of an extension that cannot be started.
const launchError = "Extension.LaunchError"

// launchVerdict tells a program that cannot be executed from a host that
// cannot execute it.
func (e *Environment) launchVerdict(r *run, name, program string, err error) verdict {
	if !errors.Is(err, sandbox.ErrEntrypoint) {
		return hostVerdict(fmt.Errorf("start extension %s in %s: %w", name, e.opts.ID, err))
	}
	errorType := "UnknownError"
	if errors.Is(err, fs.ErrPermission) {
		errorType = "PermissionDenied"
	}
	r.session.LaunchFailed(name, errorType)
	return verdict{status: hearth.StatusError, errorType: launchError, message: "fork/exec " + program + ": " + errnoText(err)}
}

// recordExtensions says where each extension is at the end of an init phase.
func (e *Environment) recordExtensions(r *run) {
	for _, x := range r.session.Extensions() {
		e.record(&hearth.PlatformEvent{
			Kind: hearth.EventExtension, InitType: e.opts.InitType,
			Name: x.Name, State: string(x.State), Events: x.Events, ErrorType: x.ErrorType,
		})
	}
}
