package control

import (
	"context"
	"errors"
	"fmt"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
	"github.com/hearthd/hearth/edge/archive"
)

func (s *Service) updateFunctionConfiguration(ctx context.Context, in *api.UpdateFunctionConfigurationInput) (*api.FunctionConfiguration, error) {
	fn, revision, err := s.forUpdate(ctx, in.FunctionName, in.RevisionId)
	if err != nil {
		return nil, err
	}
	d := &draft{fn: fn}
	defer d.release()
	if err := s.configure(ctx, d, requestedToUpdate(in)); err != nil {
		return nil, err
	}
	if err := archive.CheckTotal(fn.Code, fn.Layers); err != nil {
		return nil, err
	}
	return s.update(ctx, fn, revision)
}

func (s *Service) updateFunctionCode(ctx context.Context, in *api.UpdateFunctionCodeInput) (*api.FunctionConfiguration, error) {
	fn, revision, err := s.forUpdate(ctx, in.FunctionName, in.RevisionId)
	if err != nil {
		return nil, err
	}
	if err := checkPublishTo(fn, in.PublishTo); err != nil {
		return nil, err
	}
	if in.Architectures != nil {
		fn.Architectures = in.Architectures
	}
	d := &draft{fn: fn}
	defer d.release()
	if err := s.setCode(ctx, d, "updating", updateSource(in)); err != nil {
		return nil, err
	}
	switch {
	case api.Value(in.DryRun):
		return configuration(fn), nil
	case api.Value(in.Publish):
		return s.updatePublished(ctx, fn, revision, in.PublishTo != nil)
	}
	return s.update(ctx, fn, revision)
}

// forUpdate reads a function that may be changed now.
func (s *Service) forUpdate(ctx context.Context, functionName, revisionID *string) (*hearth.Function, uint64, error) {
	name, qualifier, err := s.opts.Scope.Function(ctx, functionName, nil)
	if err != nil {
		return nil, 0, err
	}
	if qualifier != "" && qualifier != hearth.Latest {
		return nil, 0, hearth.Errorf(hearth.ErrInvalid, "The resource provided must be the $LATEST version of the function.")
	}
	fn, revision, err := s.opts.Functions.Get(ctx, name, "")
	if err != nil {
		return nil, 0, err
	}
	if revisionID != nil && *revisionID != fn.RevisionID {
		return nil, 0, staleRevision()
	}
	switch {
	case fn.State == hearth.StatePending:
		return nil, 0, hearth.Errorf(hearth.ErrConflict,
			"The operation cannot be performed at this time. The function is currently in the following state: %s", fn.State)
	case fn.Update == hearth.UpdateInProgress:
		return nil, 0, updateInProgress(name)
	}
	return fn, revision, nil
}

func staleRevision() error {
	return hearth.Errorf(hearth.ErrPrecondition,
		"The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id")
}

func updateInProgress(name hearth.Name) error {
	return hearth.Errorf(hearth.ErrConflict,
		"The operation cannot be performed at this time. An update is in progress for resource: %s", name.ARN(""))
}

// update stores a changed function and goes on to prepare it.
func (s *Service) update(ctx context.Context, fn *hearth.Function, revision uint64) (*api.FunctionConfiguration, error) {
	startUpdate(fn)
	if err := s.storeUpdate(ctx, fn, nil, revision); err != nil {
		return nil, updateError(fn.Name, err)
	}
	return configuration(fn), nil
}

// updatePublished is update with a version of the result, which is the answer:
// a new one, or the last one if that is the same.
func (s *Service) updatePublished(ctx context.Context, fn *hearth.Function, revision uint64, latestPublished bool) (*api.FunctionConfiguration, error) {
	startUpdate(fn)
	var version *hearth.Function
	if latestPublished {
		version = publishLatest(fn, nil)
	} else {
		last, err := s.lastVersion(ctx, fn)
		if err != nil {
			return nil, err
		}
		if last != nil {
			if err := s.storeUpdate(ctx, fn, nil, revision); err != nil {
				return nil, updateError(fn.Name, err)
			}
			return configuration(last), nil
		}
		version = nextVersion(fn, nil)
	}
	if err := s.storeUpdate(ctx, fn, version, revision); err != nil {
		return nil, updateError(fn.Name, err)
	}
	return configuration(version), nil
}

func startUpdate(fn *hearth.Function) {
	touch(fn)
	fn.Update, fn.UpdateReason, fn.UpdateReasonCode = hearth.UpdateInProgress, reasonCreating, codeCreating
}

// updateError is AWS's text when somebody else was faster.
func updateError(name hearth.Name, err error) error {
	if errors.Is(err, hearth.ErrConflict) {
		return updateInProgress(name)
	}
	return err
}

// storeUpdate stores $LATEST, and a version unless that is nil, and goes on to
// prepare both.
func (s *Service) storeUpdate(ctx context.Context, latest, version *hearth.Function, revision uint64) (err error) {
	if version == nil {
		_, err = s.opts.Functions.Update(ctx, latest, revision)
	} else {
		_, err = s.opts.Functions.Publish(ctx, version, latest, revision)
	}
	if err != nil {
		return err
	}
	s.prepare(latest.Name, latest.Version)
	if version != nil {
		s.prepare(latest.Name, version.Version)
	}
	return nil
}

// prepare makes the code of a version ready and settles its states, beside the
// request that asked for it. A version that is ready is left as it is.
func (s *Service) prepare(name hearth.Name, version string) {
	s.adding.Lock()
	defer s.adding.Unlock()
	if s.ctx.Err() != nil {
		return
	}
	s.wg.Go(func() {
		select {
		case s.preparing <- struct{}{}:
			defer func() { <-s.preparing }()
		case <-s.ctx.Done():
			return
		}
		if err := s.settle(s.ctx, name, version); err != nil && s.ctx.Err() == nil && !errors.Is(err, errDeleted) {
			s.opts.Logger.Error("prepare function", "function", name.String(), "version", version, "error", err)
		}
	})
}

// settle prepares what is in the store now and writes the outcome, again when
// the function changed meanwhile.
func (s *Service) settle(ctx context.Context, name hearth.Name, version string) error {
	for {
		fn, revision, err := s.opts.Functions.Get(ctx, name, version)
		if errors.Is(err, hearth.ErrNotFound) {
			return nil // deleted meanwhile
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		if fn.State != hearth.StatePending && fn.Update != hearth.UpdateInProgress {
			return nil
		}
		failed, ended := s.prepareOn(ctx, fn)
		if ended != nil {
			return ended // by Close: the next start goes on
		}
		if failed != nil {
			s.opts.Logger.Error("prepare code", "function", name.String(), "version", version, "error", failed)
		}
		setOutcome(fn, failed)
		_, err = s.opts.Functions.Update(ctx, fn, revision)
		switch {
		case err == nil, errors.Is(err, hearth.ErrNotFound):
			return nil
		case !errors.Is(err, hearth.ErrConflict):
			return fmt.Errorf("write the state of %s: %w", name, err)
		}
	}
}

// setOutcome moves the states on and gives the function a new revision id, as
// every change of state does on AWS.
func setOutcome(fn *hearth.Function, failed error) {
	fn.RevisionID = api.NewRequestID()
	reason, code := "", ""
	if failed != nil {
		reason, code = "The function's code could not be made ready.", "InternalError"
		if known, ok := errors.AsType[*hearth.Error](failed); ok {
			reason = known.Message
		}
	}
	if fn.State == hearth.StatePending || fn.State == hearth.StateFailed {
		// An update can mend what could not be made ready at first.
		fn.State, fn.StateReason, fn.StateReasonCode = hearth.StateActive, reason, code
		if failed != nil {
			fn.State = hearth.StateFailed
		}
	}
	fn.Update, fn.UpdateReason, fn.UpdateReasonCode = hearth.UpdateSuccessful, reason, code
	if failed != nil {
		fn.Update = hearth.UpdateFailed
	}
}

// Resume goes on with what an earlier run of the daemon left unprepared.
func (s *Service) Resume(functions []*hearth.Function) {
	for _, fn := range functions {
		if fn.State == hearth.StatePending || fn.Update == hearth.UpdateInProgress {
			s.prepare(fn.Name, fn.Version)
		}
	}
}
