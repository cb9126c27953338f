package layers

import (
	"context"
	"errors"

	"github.com/hearthd/hearth"
)

// maxLayers is how many layers a function can have.
const maxLayers = 5

// Resolve finds the layer versions that a function of an account and region is
// to have, in their order, and holds their contents in the store until release
// is called. Its errors are AWS's.
func (s *Service) Resolve(ctx context.Context, fn hearth.Name, arns []string) (layers []hearth.Layer, release func(), err error) {
	if len(arns) > maxLayers {
		return nil, nil, hearth.Errorf(hearth.ErrInvalid, "Cannot reference more than %d layers.", maxLayers)
	}
	var holds []func()
	letGo := func() {
		for _, release := range holds {
			release()
		}
	}
	defer func() {
		if err != nil {
			letGo()
		}
	}()
	taken := map[hearth.LayerName]string{}
	for _, arn := range arns {
		layer, hold, err := s.resolve(ctx, fn, arn)
		if err != nil {
			return nil, nil, err
		}
		holds = append(holds, hold)
		name, _, ok := hearth.ParseLayerARN(arn)
		if other, twice := taken[name]; twice && ok {
			return nil, nil, hearth.Errorf(hearth.ErrInvalid, "Two different versions of the same layer are not allowed to be referenced "+
				"in the same function. %s and %s are versions of the same layer.", other, arn)
		}
		taken[name] = arn
		layers = append(layers, layer)
	}
	return layers, letGo, nil
}

// resolve finds one layer version: a published one first, then Options.Foreign.
func (s *Service) resolve(ctx context.Context, fn hearth.Name, arn string) (hearth.Layer, func(), error) {
	name, version, ok := hearth.ParseLayerARN(arn)
	if ok && name.Region != fn.Region {
		return hearth.Layer{}, nil, hearth.Errorf(hearth.ErrInvalid,
			"Layers are not in the same region as the function. Layers are expected to be in region %s.", fn.Region)
	}
	if ok {
		layer, release, err := s.published(ctx, fn, name, version)
		if !errors.Is(err, errUnpublished) {
			return layer, release, err
		}
	}
	layer, release, err := s.foreign(ctx, arn)
	switch {
	case !errors.Is(err, hearth.ErrNotFound):
		return layer, release, err
	case ok && name.Account == fn.Account:
		return hearth.Layer{}, nil, hearth.Errorf(hearth.ErrInvalid, "Layer version %s does not exist.", arn)
	}
	return hearth.Layer{}, nil, hearth.Errorf(hearth.ErrDenied, "%s. hearth has no layers of other accounts: "+
		"give it an archive or a directory for this one with --layer-map %s=PATH.", denied(fn.Account, arn), arn)
}

var errUnpublished = errors.New("layer version is not published here")

// published finds a layer version that was published here. It looks again once
// the content is held: until then the version can be deleted, and its content
// removed.
func (s *Service) published(ctx context.Context, fn hearth.Name, name hearth.LayerName, version int64) (hearth.Layer, func(), error) {
	var release func()
	for {
		v, err := s.opts.Versions.Get(ctx, name, version)
		if err != nil {
			if release != nil {
				release()
			}
			if errors.Is(err, hearth.ErrNotFound) {
				err = errUnpublished
			}
			return hearth.Layer{}, nil, err
		}
		if release != nil {
			return layerOf(v.ARN(), v.Code), release, nil
		}
		if !s.allowed(ctx, fn.Account, v) {
			return hearth.Layer{}, nil, denied(fn.Account, v.ARN())
		}
		release = s.opts.Holder.HoldCode(v.Code.Digest)
	}
}

func layerOf(arn string, code hearth.Code) hearth.Layer {
	return hearth.Layer{ARN: arn, Digest: code.Digest, Size: code.Size, Unzipped: code.Unzipped}
}

func (s *Service) allowed(ctx context.Context, account string, v *hearth.LayerVersion) bool {
	return account == v.Layer.Account || s.opts.Policies == nil || s.opts.Policies.MayUseLayer(ctx, account, v)
}

func denied(account, arn string) error {
	return hearth.Errorf(hearth.ErrDenied, "User: arn:aws:iam::%s:root is not authorized to perform: lambda:GetLayerVersion on resource: %s "+
		"because no resource-based policy allows the lambda:GetLayerVersion action", account, arn)
}

// foreign takes in what Options.Foreign has; hearth.ErrNotFound.
func (s *Service) foreign(ctx context.Context, arn string) (hearth.Layer, func(), error) {
	if s.opts.Foreign == nil {
		return hearth.Layer{}, nil, hearth.ErrNotFound
	}
	content, err := s.opts.Foreign.Open(ctx, arn)
	if err != nil {
		return hearth.Layer{}, nil, err
	}
	defer content.Close() // read only
	code, release, err := s.opts.Intake.TakeFrom(ctx, content)
	if err != nil {
		return hearth.Layer{}, nil, err
	}
	return layerOf(arn, code), release, nil
}
