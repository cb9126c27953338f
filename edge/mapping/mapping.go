// Package mapping serves the operations on event source mappings: it checks,
// keeps and shows them. Reading the sources is the business of pollers, which
// are another part; whether a source exists is not asked, since nothing here
// could answer.
//
// # States
//
//	create ─ Creating ─┐        ┌─ Enabling, Updating ─┐
//	                   ├► Enabled ◄────────────────────┤
//	 (not enabled) ────┴► Disabled ◄─ Disabling ───────┘     Deleting ─ gone
//
// That of a queue is gone as soon as its deletion is answered, with Deleting.
// A state between two others ends by itself after hearth.MappingSettles. It is
// worked out from when it began whenever somebody looks: nothing runs
// meanwhile, and a restart loses nothing. While it lasts, changes are refused,
// as on AWS.
package mapping

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
	"github.com/hearthd/hearth/edge/listing"
	"github.com/hearthd/hearth/edge/resource"
	"github.com/hearthd/hearth/edge/scope"
)

// Options of a Service. All are required.
type Options struct {
	Mappings  resource.ByID[hearth.EventSourceMapping] // by their UUIDs
	Functions scope.Functions
	Scope     scope.Defaults
}

// Service serves the operations.
type Service struct {
	opts     Options
	creating chan struct{} // a slot: two creations could both miss that they are the same
}

// New returns a Service.
func New(opts Options) *Service { return &Service{opts, make(chan struct{}, 1)} }

// Register makes a router serve this service's operations.
func (s *Service) Register(r *api.Router) {
	api.Handle(r, api.CreateEventSourceMapping, s.create)
	api.Handle(r, api.GetEventSourceMapping, s.get)
	api.Handle(r, api.ListEventSourceMappings, s.list)
	api.Handle(r, api.UpdateEventSourceMapping, s.update)
	api.Handle(r, api.DeleteEventSourceMapping, s.delete)
}

// Tagged makes the mappings resources that tags can be on.
func (s *Service) Tagged() resource.Tagged {
	return resource.TaggedRecords[hearth.EventSourceMapping]{
		Store: s.opts.Mappings, Kind: "event-source-mapping",
		TagsOf: func(m *hearth.EventSourceMapping) (*map[string]string, error) {
			if _, gone := m.State(time.Now()); gone {
				return nil, hearth.ErrNotFound
			}
			return &m.Tags, nil
		},
		Missing: func(arn string) error {
			return hearth.Errorf(hearth.ErrNotFound, "Event source mapping not found: %s", arn)
		},
	}
}

func (s *Service) create(ctx context.Context, in *api.CreateEventSourceMappingInput) (*api.EventSourceMappingConfiguration, error) {
	source, err := sourceOf(api.Value(in.EventSourceArn), in.SelfManagedEventSource)
	if err != nil {
		return nil, err
	}
	m := &hearth.EventSourceMapping{
		UUID: api.NewRequestID(), Kind: source.kind, SourceARN: api.Value(in.EventSourceArn),
		Topics: in.Topics, Queues: in.Queues, Enabled: true, Tags: in.Tags,
	}
	m.Account, m.Region = s.opts.Scope.Of(ctx)
	if in.SelfManagedEventSource != nil {
		m.Endpoints = in.SelfManagedEventSource.Endpoints
	}
	if err := source.position(m, in); err != nil {
		return nil, err
	}
	source.defaults(m)
	if err := source.apply(m, settingsOf(in)); err != nil {
		return nil, err
	}
	if err := s.invokes(ctx, m, in.FunctionName); err != nil {
		return nil, err
	}
	if m.Enabled {
		m.Transition = hearth.MappingCreating // otherwise it is Disabled at once
	}
	m.LastModified = time.Now()
	if err := s.add(ctx, m); err != nil {
		return nil, err
	}
	return render(m), nil
}

// add stores a new mapping unless there is one like it.
func (s *Service) add(ctx context.Context, m *hearth.EventSourceMapping) error {
	select {
	case s.creating <- struct{}{}:
		defer func() { <-s.creating }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	all, err := s.all(ctx, m.Account, m.Region)
	if err != nil {
		return err
	}
	for _, other := range all {
		if same(m, other) {
			return duplicate(m, other)
		}
	}
	return s.opts.Mappings.Create(ctx, m.Account, m.Region, m.UUID, m)
}

// all returns the mappings of an account and region that are not gone, and
// removes the records of those that are.
func (s *Service) all(ctx context.Context, account, region string) ([]*hearth.EventSourceMapping, error) {
	listed, _, err := s.opts.Mappings.List(ctx, account, region, "", 0)
	if err != nil {
		return nil, err
	}
	kept := listed[:0]
	for _, m := range listed {
		if _, gone := m.State(time.Now()); !gone {
			kept = append(kept, m)
			continue
		}
		// Nothing brings it back, so nobody can be ahead of this but another
		// removal.
		if _, err := s.opts.Mappings.Delete(ctx, account, region, m.UUID, nil); err != nil && !errors.Is(err, hearth.ErrNotFound) {
			return nil, err
		}
	}
	return kept, nil
}

// invokes gives a mapping the function that it invokes, which there must be.
func (s *Service) invokes(ctx context.Context, m *hearth.EventSourceMapping, functionName *string) error {
	name, qualifier, err := s.opts.Scope.Function(ctx, functionName, nil)
	if err != nil {
		return err
	}
	m.Function, m.Qualifier = name, qualifier
	if err := scope.Exists(ctx, s.opts.Functions, name, qualifier); errors.Is(err, hearth.ErrNotFound) {
		return hearth.Errorf(hearth.ErrInvalid, "Function does not exist")
	} else if err != nil {
		return err
	}
	return nil
}

func missing() error {
	return hearth.Errorf(hearth.ErrNotFound, "The resource you requested does not exist.")
}

func (s *Service) get(ctx context.Context, in *api.GetEventSourceMappingInput) (*api.EventSourceMappingConfiguration, error) {
	account, region := s.opts.Scope.Of(ctx)
	m, err := s.opts.Mappings.Get(ctx, account, region, *in.UUID)
	if errors.Is(err, hearth.ErrNotFound) {
		return nil, missing()
	}
	if err != nil {
		return nil, err
	}
	if _, gone := m.State(time.Now()); gone {
		return nil, missing()
	}
	return render(m), nil
}

// stable refuses changes to a mapping that is gone, or between two states.
func stable(m *hearth.EventSourceMapping, verb string) error {
	switch state, gone := m.State(time.Now()); {
	case gone:
		return missing()
	case state != hearth.MappingEnabled && state != hearth.MappingDisabled:
		return hearth.Errorf(hearth.ErrInUse, "Cannot %s the event source mapping because it is in use.", verb)
	}
	return nil
}

func (s *Service) update(ctx context.Context, in *api.UpdateEventSourceMappingInput) (*api.EventSourceMappingConfiguration, error) {
	account, region := s.opts.Scope.Of(ctx)
	m, err := s.opts.Mappings.Update(ctx, account, region, *in.UUID, func(m *hearth.EventSourceMapping) error {
		if err := stable(m, "update"); err != nil {
			return err
		}
		before := m.Enabled
		if err := sourceTable(m.Kind).apply(m, in); err != nil {
			return err
		}
		if in.FunctionName != nil {
			if err := s.invokes(ctx, m, in.FunctionName); err != nil {
				return err
			}
		}
		switch m.Transition = hearth.MappingUpdating; {
		case m.Enabled && !before:
			m.Transition = hearth.MappingEnabling
		case !m.Enabled && before:
			m.Transition = hearth.MappingDisabling
		}
		m.LastModified = time.Now()
		return nil
	})
	return changed(m, err)
}

func (s *Service) delete(ctx context.Context, in *api.DeleteEventSourceMappingInput) (*api.EventSourceMappingConfiguration, error) {
	account, region := s.opts.Scope.Of(ctx)
	m, err := s.opts.Mappings.Update(ctx, account, region, *in.UUID, func(m *hearth.EventSourceMapping) error {
		if err := stable(m, "delete"); err != nil {
			return err
		}
		m.Transition, m.LastModified = hearth.MappingDeleting, time.Now()
		return nil
	})
	if err == nil && m.Kind == hearth.SourceSQS { // those of queues are gone with the answer
		if _, err = s.opts.Mappings.Delete(ctx, account, region, m.UUID, nil); errors.Is(err, hearth.ErrNotFound) {
			err = nil // a listing was ahead
		}
	}
	return changed(m, err)
}

// changed gives the error of a record that is not there AWS's text; those that
// have a text keep it.
func changed(m *hearth.EventSourceMapping, err error) (*api.EventSourceMappingConfiguration, error) {
	if _, told := errors.AsType[*hearth.Error](err); !told && errors.Is(err, hearth.ErrNotFound) {
		err = missing()
	}
	if err != nil {
		return nil, err
	}
	return render(m), nil
}

// maxPage is how many mappings AWS puts into a page at most.
const maxPage = 100

func (s *Service) list(ctx context.Context, in *api.ListEventSourceMappingsInput) (*api.ListEventSourceMappingsOutput, error) {
	account, region := s.opts.Scope.Of(ctx)
	var function string
	if in.FunctionName != nil {
		name, qualifier, err := s.opts.Scope.Function(ctx, in.FunctionName, nil)
		if err != nil {
			return nil, err
		}
		function = name.ARN(qualifier)
	}
	all, err := s.all(ctx, account, region)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(m *hearth.EventSourceMapping) bool {
		return function != "" && function != m.FunctionARN() ||
			in.EventSourceArn != nil && *in.EventSourceArn != m.SourceARN
	})
	uuid := func(m *hearth.EventSourceMapping) string { return m.UUID } // they are in its order
	page, next := listing.Page(all, uuid, in.Marker, listing.LimitOf(in.MaxItems, maxPage))
	return &api.ListEventSourceMappingsOutput{EventSourceMappings: listing.Items(page, render), NextMarker: next}, nil
}
