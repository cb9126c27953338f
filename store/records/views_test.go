package records_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/store/records"
)

func TestByFunction_List_IsOfTheFunctionsQualifiersAlone(t *testing.T) {
	k := open(t, newKV(t), nil)
	view := records.ByFunction[thing]{Collection: k.ofFunc}
	f := hearth.Name{Account: "1", Region: "eu", Function: "f"}
	longer := f
	longer.Function = "f-2"
	for _, at := range []struct {
		name      hearth.Name
		qualifier string
	}{{f, ""}, {f, "$LATEST"}, {f, "1"}, {f, "live"}, {longer, "1"}} {
		if err := view.Create(t.Context(), at.name, at.qualifier, &thing{Name: at.name.Function + ":" + at.qualifier}); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	after := ""
	for first := true; first || after != ""; first = false {
		page, next, err := view.List(t.Context(), f, after, 2)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range page {
			got = append(got, v.Name)
		}
		after = next
	}
	if diff := cmp.Diff([]string{"f:$LATEST", "f:1", "f:live"}, got); diff != "" {
		t.Error(diff)
	}
	for _, marker := range []string{"../g", "/", "zz", "\x00"} { // no marker leads out of the function
		page, _, err := view.List(t.Context(), f, marker, 0)
		for _, v := range page {
			if v.Name[:2] != "f:" {
				t.Errorf("after %q: %s", marker, v.Name)
			}
		}
		if err != nil {
			t.Errorf("after %q: %v", marker, err)
		}
	}
}

func TestByID_List_IsOfOneAccountAndRegion(t *testing.T) {
	k := open(t, newKV(t), nil)
	view := records.ByID[thing]{Collection: k.things}
	for _, at := range [][3]string{{"1", "eu", "a"}, {"1", "eu", "b"}, {"1", "eu-2", "a"}, {"2", "eu", "a"}} {
		if err := view.Create(t.Context(), at[0], at[1], at[2], &thing{Name: at[2]}); err != nil {
			t.Fatal(err)
		}
	}
	page, next, err := view.List(t.Context(), "1", "eu", "", 1)
	if err != nil || next != "a" || len(page) != 1 || page[0].Name != "a" {
		t.Errorf("%v, next %q, %v", page, next, err)
	}
	page, next, err = view.List(t.Context(), "1", "eu", next, 5)
	if err != nil || next != "" || len(page) != 1 || page[0].Name != "b" {
		t.Errorf("%v, next %q, %v", page, next, err)
	}
	if got := view.Lookup("1", "eu", "b"); got == nil || got.Name != "b" {
		t.Errorf("Lookup = %v", got)
	}
}

// Each method of the views is that of the collection, with its key.
func TestViews_AreTheCollectionByNames(t *testing.T) {
	k := open(t, newKV(t), nil)
	byFunction, byID := records.ByFunction[thing]{Collection: k.ofFunc}, records.ByID[thing]{Collection: k.things}
	rename := func(v *thing) error { v.Name = "new"; return nil }
	ctx := t.Context()

	if err := byFunction.Put(ctx, owner, "live", &thing{Name: "old"}); err != nil {
		t.Fatal(err)
	}
	if v, err := byFunction.Update(ctx, owner, "live", rename); err != nil || v.Name != "new" {
		t.Errorf("Update = %v, %v", v, err)
	}
	if v, err := byFunction.Get(ctx, owner, "live"); err != nil || v.Name != "new" || byFunction.Lookup(owner, "live").Name != "new" {
		t.Errorf("Get = %v, %v", v, err)
	}
	if all, err := byFunction.ListAll(ctx, owner.Account, owner.Region); err != nil || len(all) != 1 {
		t.Errorf("ListAll = %v, %v", all, err)
	}
	if err := byFunction.Delete(ctx, owner, "live"); err != nil || byFunction.Lookup(owner, "live") != nil {
		t.Errorf("Delete: %v", err)
	}

	if err := byID.Create(ctx, "1", "eu", "x", &thing{Name: "old"}); err != nil {
		t.Fatal(err)
	}
	if v, err := byID.Update(ctx, "1", "eu", "x", rename); err != nil || v.Name != "new" {
		t.Errorf("Update = %v, %v", v, err)
	}
	if v, err := byID.Get(ctx, "1", "eu", "x"); err != nil || v.Name != "new" {
		t.Errorf("Get = %v, %v", v, err)
	}
	if v, err := byID.Delete(ctx, "1", "eu", "x", nil); err != nil || v.Name != "new" || byID.Lookup("1", "eu", "x") != nil {
		t.Errorf("Delete = %v, %v", v, err)
	}
}

func TestNewViews_AreOfKindsInTheList(t *testing.T) {
	set := records.New(newKV(t), nil, nil)
	urls := records.NewByFunction[hearth.FunctionURL](set, hearth.KindFunctionURL)
	mappings := records.NewByID[hearth.EventSourceMapping](set, hearth.KindEventSourceMapping)
	if err := set.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	if err := urls.Create(t.Context(), owner, "", &hearth.FunctionURL{ID: "u"}); err != nil {
		t.Error(err)
	}
	if err := mappings.Create(t.Context(), owner.Account, owner.Region, "m", &hearth.EventSourceMapping{}); err != nil {
		t.Error(err)
	}
	if err := set.DeleteFunction(t.Context(), owner, ""); err != nil || urls.Lookup(owner, "") != nil || mappings.Lookup(owner.Account, owner.Region, "m") == nil {
		t.Errorf("DeleteFunction deletes what is not the function's, or not what is: %v", err)
	}
}

// place is what a thing is about.
type place []string

func (p place) Key() []string { return p }

func TestByKey_KeysAreThoseOfTheOtherViews(t *testing.T) {
	k := open(t, newKV(t), nil)
	view := records.ByKey[place, thing]{Collection: k.ofFunc}
	f := hearth.Name{Account: "1", Region: "eu", Function: "f/g"}
	_, err := view.Modify(t.Context(), place{"1", "eu", "f/g", "live"}, func(v *thing, exists bool) error {
		v.Name = "a"
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if v, err := (records.ByFunction[thing]{Collection: k.ofFunc}).Get(t.Context(), f, "live"); err != nil || v.Name != "a" {
		t.Errorf("by function: %+v, %v", v, err)
	}
	if v, err := view.Get(t.Context(), place{"1", "eu", "f/g", "live"}); err != nil || v.Name != "a" {
		t.Errorf("by key: %+v, %v", v, err)
	}
	if v, err := view.Find(place{"1", "eu", "f/g", "live"}); err != nil || v.Name != "a" {
		t.Errorf("from memory: %+v, %v", v, err)
	}
	if _, err := view.Delete(t.Context(), place{"1", "eu", "f/g", "live"}, nil); err != nil {
		t.Error(err)
	}
	if v, err := view.Find(place{"1", "eu", "f/g", "live"}); v != nil || err != nil {
		t.Errorf("once deleted: %+v, %v", v, err)
	}
}
