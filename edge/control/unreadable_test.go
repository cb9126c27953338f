package control_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
	"github.com/hearthd/hearth/edge/control"
	"github.com/hearthd/hearth/edge/edgetest"
	"github.com/hearthd/hearth/edge/scope"
)

// unreadable are functions that the store has and cannot read.
type unreadable struct{ *edgetest.Memory }

func (unreadable) Get(context.Context, hearth.Name, string) (*hearth.Function, uint64, error) {
	return nil, 0, hearth.Errorf(hearth.ErrConflict, "It cannot be read.")
}

func TestDelete_FunctionThatCannotBeRead_DeletesIt(t *testing.T) {
	memory := edgetest.NewMemory()
	name := hearth.Name{Account: "000000000000", Region: "us-east-1", Function: "f"}
	if _, err := memory.Create(t.Context(), &hearth.Function{Name: name, Version: hearth.Latest}); err != nil {
		t.Fatal(err)
	}
	service := control.New(t.Context(), control.Options{
		Functions: unreadable{memory}, Host: &host{}, Attached: &edgetest.Detached{},
		Scope:  scope.Defaults{Account: name.Account, Region: name.Region},
		Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	defer service.Close()
	router := api.NewRouter(api.Options{})
	service.Register(router)
	for _, step := range []struct {
		method string
		status int
	}{{"GET", http.StatusConflict}, {"DELETE", http.StatusNoContent}} {
		w := httptest.NewRecorder()
		router.ServeHTTP(w, httptest.NewRequest(step.method, "/2015-03-31/functions/f", nil))
		if w.Code != step.status {
			t.Errorf("%s: status %d, want %d: %s", step.method, w.Code, step.status, w.Body)
		}
	}
	if left := memory.All(); len(left) != 0 {
		t.Errorf("%d functions are left", len(left))
	}
}
