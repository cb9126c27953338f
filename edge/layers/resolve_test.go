package layers_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/edge/layers"
)

// function is who has the layers.
func function() hearth.Name {
	return hearth.Name{Account: account, Region: "us-east-1", Function: "f"}
}

const ours = "arn:aws:lambda:us-east-1:000000000000:layer:"

func (f *fixture) unresolved(kind error, message string, arns ...string) {
	f.Helper()
	_, _, err := f.service.Resolve(f.Context(), function(), arns)
	if !errors.Is(err, kind) || !strings.Contains(err.Error(), message) {
		f.Errorf("got %v; want %v with %q", err, kind, message)
	}
	for digest, n := range f.memory.held {
		if n != 0 {
			f.Errorf("%s is held %d times", digest, n)
		}
	}
}

func TestResolve_HoldsContentsInTheirOrder(t *testing.T) {
	f := serve(t, nil)
	f.publish("b", "")
	f.publish("a", "")
	found, release, err := f.service.Resolve(t.Context(), function(), []string{ours + "b:1", ours + "a:1"})
	if err != nil {
		t.Fatal(err)
	}
	want := []hearth.Layer{
		{ARN: ours + "b:1", Digest: "digest of abc", Size: 3, Unzipped: 100}, {ARN: ours + "a:1", Digest: "digest of abc", Size: 3, Unzipped: 100},
	}
	if diff := gocmp.Diff(want, found); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if n := f.memory.held["digest of abc"]; n != 2 {
		t.Errorf("held %d times, want 2", n)
	}
	if release(); f.memory.held["digest of abc"] != 0 {
		t.Errorf("held %d times after release", f.memory.held["digest of abc"])
	}
}

func TestResolve_WhatIsNotThere(t *testing.T) {
	f := serve(t, nil)
	f.publish("a", "")
	f.unresolved(hearth.ErrInvalid, "Layer version "+ours+"a:2 does not exist.", ours+"a:1", ours+"a:2")
	f.unresolved(hearth.ErrInvalid, "Layer version "+ours+"missing:1 does not exist.", ours+"missing:1")
}

func TestResolve_FiveAtMost(t *testing.T) {
	f := serve(t, nil)
	var arns []string
	for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
		f.publish(name, "")
		arns = append(arns, ours+name+":1")
	}
	f.unresolved(hearth.ErrInvalid, "Cannot reference more than 5 layers.", arns...)
	if found, release, err := f.service.Resolve(t.Context(), function(), arns[:5]); err != nil || len(found) != 5 {
		t.Errorf("five: %v, %v", found, err)
	} else {
		release()
	}
}

func TestResolve_OneVersionOfALayer(t *testing.T) {
	f := serve(t, nil)
	f.publish("a", "")
	f.publish("a", "")
	for _, second := range []string{ours + "a:2", ours + "a:1"} {
		f.unresolved(hearth.ErrInvalid, "Two different versions of the same layer are not allowed to be referenced in the same function. "+
			ours+"a:1 and "+second+" are versions of the same layer.", ours+"a:1", second)
	}
}

func TestResolve_AnotherRegion(t *testing.T) {
	serve(t, nil).unresolved(hearth.ErrInvalid, "Layers are not in the same region as the function. Layers are expected to be in region us-east-1.",
		"arn:aws:lambda:eu-west-1:000000000000:layer:a:1")
}

func TestResolve_AnotherAccount_NamesTheSetting(t *testing.T) {
	const arn = "arn:aws:lambda:us-east-1:111111111111:layer:a:1"
	serve(t, nil).unresolved(hearth.ErrDenied, "because no resource-based policy allows the lambda:GetLayerVersion action. "+
		"hearth has no layers of other accounts: give it an archive or a directory for this one with --layer-map "+arn+"=PATH.", arn)
}

func TestResolve_Foreign_IsTakenIn(t *testing.T) {
	f := serve(t, nil)
	for _, arn := range []string{"arn:aws:lambda:us-east-1:111111111111:layer:a:7", "arn:aws:lambda:::awslayer:AmazonLinux1803"} {
		f.memory.foreign[arn] = "content"
		found, release, err := f.service.Resolve(t.Context(), function(), []string{arn})
		if err != nil {
			t.Fatal(err)
		}
		if diff := gocmp.Diff([]hearth.Layer{{ARN: arn, Digest: "digest of content", Size: 7, Unzipped: 100}}, found); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if n := f.memory.held["digest of content"]; n != 1 {
			t.Errorf("held %d times, want once", n)
		}
		release()
	}
}

// policies are those of layer versions: each gives its first version to the service's
// account, if anything.
type policies struct {
	granted bool
	deleted []string
	err     error // of deletions
}

func (p *policies) MayUseLayer(_ context.Context, account string, v *hearth.LayerVersion) bool {
	return p.granted && account == "000000000000" && v.Version == 1
}

func (p *policies) DeleteLayerVersion(_ context.Context, name hearth.LayerName, version int64) error {
	p.deleted = append(p.deleted, name.VersionARN(version))
	return p.err
}

func TestResolve_AnotherAccountsLayer_NeedsItsPolicy(t *testing.T) {
	p := &policies{}
	f := serve(t, func(o *layers.Options) { o.Policies = p })
	v := &hearth.LayerVersion{Layer: hearth.LayerName{Account: "111111111111", Region: "us-east-1", Layer: "a"}}
	if err := f.memory.Publish(t.Context(), v); err != nil {
		t.Fatal(err)
	}
	f.unresolved(hearth.ErrDenied, "because no resource-based policy allows the lambda:GetLayerVersion action", v.ARN())
	p.granted = true
	if _, release, err := f.service.Resolve(t.Context(), function(), []string{v.ARN()}); err != nil {
		t.Error(err)
	} else {
		release()
	}
}

func TestResolve_DeletedWhileItIsHeld(t *testing.T) {
	f := serve(t, nil)
	f.publish("a", "")
	f.memory.deleting = func() { clear(f.memory.versions) }
	f.unresolved(hearth.ErrInvalid, "Layer version "+ours+"a:1 does not exist.", ours+"a:1")
}

func TestDelete_DeletesThePolicyToo(t *testing.T) {
	p := &policies{}
	f := serve(t, func(o *layers.Options) { o.Policies = p })
	f.publish("a", "")
	if w := f.do("DELETE", "/a/versions/1", ""); w.Code != 204 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if diff := gocmp.Diff([]string{ours + "a:1"}, p.deleted); diff != "" || len(f.memory.versions) != 0 {
		t.Errorf("left: %d versions; policies deleted (-want +got):\n%s", len(f.memory.versions), diff)
	}
}

func TestDelete_ThePolicyStays_SoDoesTheVersion(t *testing.T) {
	f := serve(t, func(o *layers.Options) { o.Policies = &policies{err: errors.New("the disk is full")} })
	f.publish("a", "")
	if w := f.do("DELETE", "/a/versions/1", ""); w.Code != 500 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if len(f.memory.versions) != 1 {
		t.Error("the version is gone, its policy is not")
	}
}

func TestDelete_AnotherAccountsLayer_IsDenied(t *testing.T) {
	p := &policies{granted: true}
	f := serve(t, func(o *layers.Options) { o.Policies = p })
	w := f.do("DELETE", "/arn%3Aaws%3Alambda%3Aus-east-1%3A111111111111%3Alayer%3Aa/versions/1", "")
	if w.Code != 403 || len(p.deleted) != 0 {
		t.Errorf("%d %s, and deleted %v", w.Code, w.Body, p.deleted)
	}
}
