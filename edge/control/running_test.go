package control_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/hearthd/hearth"
)

// unpacking makes preparations take until they are given up, and returns what they
// were for and when they ended.
func (h *host) unpacking() (ended func() []string) {
	var names []string
	h.prepare = func(ctx context.Context, fn *hearth.Function) error {
		<-ctx.Done()
		names = append(names, fn.Name.Function+":"+fn.Version)
		return context.Cause(ctx)
	}
	return func() []string { return names }
}

func TestDeleteFunction_BeingPrepared_EndsThePreparation(t *testing.T) {
	serve(t, func(f *fixture) {
		ended := f.host.unpacking()
		f.do("POST", functions, createBody("f", ""))
		f.do("POST", functions, createBody("other", ""))
		f.settle()
		if w := f.do("DELETE", functions+"/f", ""); w.Code != http.StatusNoContent {
			f.Fatalf("delete: %d %s", w.Code, w.Body)
		}
		f.settle()
		if got := ended(); len(got) != 1 || got[0] != "f:$LATEST" {
			f.Errorf("ended: %q", got)
		}
		if f.log.Len() > 0 {
			f.Errorf("log: %s", f.log.String())
		}
	})
}

func TestDeleteFunction_OneVersionBeingPrepared_EndsOnlyThatOne(t *testing.T) {
	serve(t, func(f *fixture) {
		ended := f.host.unpacking()
		f.do("POST", functions, createBody("f", `,"Publish":true`))
		f.settle()
		f.do("DELETE", functions+"/f?Qualifier=1", "")
		f.settle()
		if got := ended(); len(got) != 1 || got[0] != "f:1" {
			f.Errorf("ended: %q", got)
		}
	})
}

// The function that gets a deleted one's name is prepared.
func TestDeleteFunction_MadeAgain_IsPrepared(t *testing.T) {
	serve(t, func(f *fixture) {
		f.host.unpacking()
		f.do("POST", functions, createBody("f", ""))
		f.settle()
		f.host.prepare = nil
		f.do("DELETE", functions+"/f", "")
		f.do("POST", functions, createBody("f", ""))
		f.settle()
		if fn := f.stored("f"); fn.State != hearth.StateActive {
			f.Errorf("%s", fn.State)
		}
	})
}
