package control

import (
	"context"
	"errors"
	"fmt"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
)

func (s *Service) updateFunctionConfiguration(ctx context.Context, in *api.UpdateFunctionConfigurationInput) (*api.FunctionConfiguration, error) {
	fn, revision, err := s.forUpdate(ctx, in.FunctionName, in.RevisionId)
	if err != nil {
		return nil, err
	}
	if err := s.configure(ctx, fn, updateSettings(in)); err != nil {
		return nil, err
	}
	return s.update(ctx, fn, revision)
}

func (s *Service) updateFunctionCode(ctx context.Context, in *api.UpdateFunctionCodeInput) (*api.FunctionConfiguration, error) {
	fn, revision, err := s.forUpdate(ctx, in.FunctionName, in.RevisionId)
	if err != nil {
		return nil, err
	}
	if api.Value(in.Publish) {
		return nil, errNoVersions
	}
	if in.Architectures != nil {
		fn.Architectures = in.Architectures
	}
	release, err := s.storeCode(ctx, fn, codeSource{in.ZipFile, in.S3Bucket, in.ImageUri})
	if err != nil {
		return nil, err
	}
	defer release()
	if api.Value(in.DryRun) {
		return configuration(fn), nil
	}
	return s.update(ctx, fn, revision)
}

// forUpdate reads a function that may be changed now.
func (s *Service) forUpdate(ctx context.Context, functionName, revisionID *string) (*hearth.Function, uint64, error) {
	name, qualifier, err := s.resolve(ctx, functionName, nil)
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
		return nil, 0, hearth.Errorf(hearth.ErrPrecondition,
			"The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id")
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

func updateInProgress(name hearth.Name) error {
	return hearth.Errorf(hearth.ErrConflict,
		"The operation cannot be performed at this time. An update is in progress for resource: %s", name.ARN(""))
}

// update stores a changed function and goes on to prepare it.
func (s *Service) update(ctx context.Context, fn *hearth.Function, revision uint64) (*api.FunctionConfiguration, error) {
	touch(fn)
	fn.Update, fn.UpdateReason, fn.UpdateReasonCode = hearth.UpdateInProgress, reasonCreating, codeCreating
	if _, err := s.opts.Functions.Update(ctx, fn, revision); err != nil {
		if errors.Is(err, hearth.ErrConflict) {
			return nil, updateInProgress(fn.Name)
		}
		return nil, err
	}
	s.prepare(fn.Name)
	return configuration(fn), nil
}

// prepare makes a function's code ready and settles its states, beside the
// request that asked for it.
func (s *Service) prepare(name hearth.Name) {
	s.wg.Go(func() {
		select {
		case s.preparing <- struct{}{}:
			defer func() { <-s.preparing }()
		case <-s.ctx.Done():
			return
		}
		if err := s.settle(s.ctx, name); err != nil && s.ctx.Err() == nil {
			s.opts.Logger.Error("prepare function", "function", name.String(), "error", err)
		}
	})
}

// settle prepares what is in the store now and writes the outcome, again when
// the function changed meanwhile.
func (s *Service) settle(ctx context.Context, name hearth.Name) error {
	for {
		fn, revision, err := s.opts.Functions.Get(ctx, name, "")
		if errors.Is(err, hearth.ErrNotFound) {
			return nil // deleted meanwhile
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		if fn.State != hearth.StatePending && fn.Update != hearth.UpdateInProgress {
			return nil
		}
		failed := s.opts.Host.Prepare(ctx, fn)
		if ctx.Err() != nil {
			return ctx.Err() // the next start goes on
		}
		if failed != nil {
			s.opts.Logger.Error("prepare code", "function", name.String(), "error", failed)
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
			s.prepare(fn.Name)
		}
	}
}
