package resource

import (
	"context"
	"errors"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
	"github.com/hearthd/hearth/edge/listing"
)

// provisionedModified is AWS's format of the LastModified of provisioned
// concurrency, which has no fractions of seconds.
const provisionedModified = "2006-01-02T15:04:05-0700"

// target reads the version or alias of a request, and checks that it is there.
// unpublished is what is said of $LATEST.
func (c *Concurrency) target(ctx context.Context, functionName, qualifier *string, unpublished string) (hearth.Name, string, error) {
	name, q, err := c.scope.Function(ctx, functionName, qualifier)
	if err != nil {
		return name, q, err
	}
	switch {
	case q == "" || q == hearth.Latest:
		return name, q, hearth.Errorf(hearth.ErrInvalid, "%s", unpublished)
	case hearth.IsAlias(q):
		if _, err = c.functions.GetAlias(ctx, name, q); errors.Is(err, hearth.ErrNotFound) {
			err = hearth.Errorf(hearth.ErrNotFound, "Cannot find alias arn: %s", name.ARN(q))
		}
	default:
		if _, _, err = c.functions.Get(ctx, name, q); errors.Is(err, hearth.ErrNotFound) {
			err = hearth.Errorf(hearth.ErrNotFound, "Function not found: %s", name.ARN(q))
		}
	}
	return name, q, err
}

// What AWS says of $LATEST, when it is to be provisioned and otherwise.
const (
	provisionedUnpublished = "Provisioned Concurrency Configs cannot be applied to unpublished function versions."
	qualifierUnpublished   = "The function resource provided must be an alias or a published version."
)

// provisionedFor is what is provisioned for a function in total, without one of
// its qualifiers.
func (c *Concurrency) provisionedFor(ctx context.Context, name hearth.Name, without string) (total int, err error) {
	all, _, err := c.provisioned.List(ctx, name, "", 0)
	for _, p := range all {
		if p.Qualifier != without {
			total += p.Executions
		}
	}
	return total, err
}

func (c *Concurrency) putProvisioned(ctx context.Context, in *api.PutProvisionedConcurrencyConfigInput) (*api.PutProvisionedConcurrencyConfigOutput, error) {
	name, qualifier, err := c.target(ctx, in.FunctionName, in.Qualifier, provisionedUnpublished)
	if err != nil {
		return nil, err
	}
	c.writing.Lock()
	defer c.writing.Unlock()
	want := &hearth.ProvisionedConcurrency{
		Function: name, Qualifier: qualifier, Executions: api.Value(in.ProvisionedConcurrentExecutions), LastModified: time.Now().UTC(),
	}
	if err := c.checkProvisioned(ctx, want); err != nil {
		return nil, err
	}
	if err := c.provisioned.Put(ctx, name, qualifier, want); err != nil {
		return nil, err
	}
	return &api.PutProvisionedConcurrencyConfigOutput{
		RequestedProvisionedConcurrentExecutions: &want.Executions,
		AllocatedProvisionedConcurrentExecutions: api.Ptr(0),
		AvailableProvisionedConcurrentExecutions: api.Ptr(0),
		Status:                                   api.Ptr(hearth.ProvisioningInProgress),
		LastModified:                             api.Ptr(want.LastModified.Format(provisionedModified)),
	}, nil
}

func (c *Concurrency) checkProvisioned(ctx context.Context, want *hearth.ProvisionedConcurrency) error {
	if err := c.checkOverlap(ctx, want.Function, want.Qualifier); err != nil {
		return err
	}
	others, err := c.provisionedFor(ctx, want.Function, want.Qualifier)
	if err != nil {
		return err
	}
	reserved, err := c.reserved(ctx, want.Function)
	if err != nil {
		return err
	}
	if reserved != nil {
		if others+want.Executions > reserved.Executions {
			return hearth.Errorf(hearth.ErrInvalid, "Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function")
		}
		return nil
	}
	return c.checkShare(ctx, want)
}

// checkShare is for functions that reserve nothing: what is provisioned comes
// off what all of them share.
func (c *Concurrency) checkShare(ctx context.Context, want *hearth.ProvisionedConcurrency) error {
	left, err := c.unreserved(ctx, want.Function.Account, want.Function.Region)
	if err != nil {
		return err
	}
	before, err := c.provisioned.Get(ctx, want.Function, want.Qualifier)
	switch {
	case err == nil:
		left += before.Executions
	case !errors.Is(err, hearth.ErrNotFound):
		return err
	}
	switch {
	case want.Executions > left:
		return concurrencyRefused("Specified ConcurrentExecutions for function is greater than account's unreserved concurrency [%d].", left)
	case left-want.Executions < hearth.MinUnreserved:
		return concurrencyRefused("Specified ConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [%d].",
			hearth.MinUnreserved)
	default:
		return nil
	}
}

// checkOverlap refuses to provision a version twice, by itself and by an alias.
func (c *Concurrency) checkOverlap(ctx context.Context, name hearth.Name, qualifier string) error {
	if hearth.IsAlias(qualifier) {
		alias, err := c.functions.GetAlias(ctx, name, qualifier)
		if err != nil {
			return err
		}
		for _, version := range []string{alias.Version, alias.Additional} {
			if version == "" {
				continue
			}
			if _, err := c.provisioned.Get(ctx, name, version); err == nil {
				return hearth.Errorf(hearth.ErrConflict, "Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version")
			}
		}
		return nil
	}
	all, _, err := c.provisioned.List(ctx, name, "", 0)
	if err != nil {
		return err
	}
	for _, p := range all {
		if !hearth.IsAlias(p.Qualifier) {
			continue
		}
		alias, err := c.functions.GetAlias(ctx, name, p.Qualifier)
		if err == nil && alias.PointsTo(qualifier) {
			return hearth.Errorf(hearth.ErrConflict, "Version is pointed by a Provisioned Concurrency alias")
		}
	}
	return nil
}

func (c *Concurrency) getProvisioned(ctx context.Context, in *api.GetProvisionedConcurrencyConfigInput) (*api.GetProvisionedConcurrencyConfigOutput, error) {
	name, qualifier, err := c.target(ctx, in.FunctionName, in.Qualifier, qualifierUnpublished)
	if err != nil {
		return nil, err
	}
	p, err := c.provisioned.Get(ctx, name, qualifier)
	if errors.Is(err, hearth.ErrNotFound) {
		return nil, hearth.Errorf(hearth.ErrProvisionedMissing, "No Provisioned Concurrency Config found for this function")
	}
	if err != nil {
		return nil, err
	}
	item := c.item(p)
	return &api.GetProvisionedConcurrencyConfigOutput{
		RequestedProvisionedConcurrentExecutions: item.RequestedProvisionedConcurrentExecutions,
		AllocatedProvisionedConcurrentExecutions: item.AllocatedProvisionedConcurrentExecutions,
		AvailableProvisionedConcurrentExecutions: item.AvailableProvisionedConcurrentExecutions,
		Status:                                   item.Status, StatusReason: item.StatusReason, LastModified: item.LastModified,
	}, nil
}

// item shows provisioned concurrency as lists do.
func (c *Concurrency) item(p *hearth.ProvisionedConcurrency) *api.ProvisionedConcurrencyConfigListItem {
	is := c.progress.Status(p)
	item := &api.ProvisionedConcurrencyConfigListItem{
		FunctionArn:                              api.Ptr(p.Function.ARN(p.Qualifier)),
		RequestedProvisionedConcurrentExecutions: &p.Executions,
		AllocatedProvisionedConcurrentExecutions: &is.Allocated,
		AvailableProvisionedConcurrentExecutions: &is.Available,
		Status:                                   &is.Status,
		StatusReason:                             api.Optional(is.Reason),
		LastModified:                             api.Ptr(p.LastModified.UTC().Format(provisionedModified)),
	}
	if is.Status != hearth.ProvisioningReady { // AWS counts what it has given out when all is there
		item.AllocatedProvisionedConcurrentExecutions = api.Ptr(is.Available)
	}
	return item
}

func (c *Concurrency) deleteProvisioned(ctx context.Context, in *api.DeleteProvisionedConcurrencyConfigInput) (*api.Empty, error) {
	name, qualifier, err := c.target(ctx, in.FunctionName, in.Qualifier, qualifierUnpublished)
	if err != nil {
		return nil, err
	}
	c.writing.Lock()
	defer c.writing.Unlock()
	if err := c.provisioned.Delete(ctx, name, qualifier); err != nil && !errors.Is(err, hearth.ErrNotFound) {
		return nil, err
	}
	return &api.Empty{}, nil
}

func (c *Concurrency) listProvisioned(ctx context.Context, in *api.ListProvisionedConcurrencyConfigsInput) (*api.ListProvisionedConcurrencyConfigsOutput, error) {
	name, err := c.function(ctx, in.FunctionName)
	if err != nil {
		return nil, err
	}
	page, next, err := c.provisioned.List(ctx, name, api.Value(in.Marker), listing.Limit(in.MaxItems))
	if err != nil {
		return nil, err
	}
	return &api.ListProvisionedConcurrencyConfigsOutput{
		ProvisionedConcurrencyConfigs: listing.Items(page, c.item), NextMarker: api.Optional(next),
	}, nil
}
