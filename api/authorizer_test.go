package api_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
)

// doorkeeper is an Authorizer that notes what it is asked.
type doorkeeper struct {
	begin, authorize error
	asked            []string
}

type guestKey struct{}

func (d *doorkeeper) Begin(call *api.Call) error {
	d.asked = append(d.asked, "begin "+call.HTTP.Method)
	return d.begin
}

func (d *doorkeeper) Authorize(ctx context.Context, call *api.Call, body api.Body) (context.Context, error) {
	d.asked = append(d.asked, call.Operation+" "+call.Label("FunctionName")+" "+call.Label("StatementId")+" "+call.Label("UUID")+" "+string(body.Data))
	return context.WithValue(ctx, guestKey{}, "guest"), d.authorize
}

// knock sends a request to a router with a doorkeeper and a handler for
// RemovePermission, and says whether that ran as the doorkeeper's guest.
func knock(d *doorkeeper, method, path, body string) (status int, served bool) {
	router := api.NewRouter(api.Options{Authorizer: d})
	api.Handle(router, api.RemovePermission, func(ctx context.Context, _ *api.RemovePermissionInput) (*api.Empty, error) {
		served = ctx.Value(guestKey{}) == "guest"
		return nil, nil
	})
	w := httptest.NewRecorder()
	router.ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
	return w.Code, served
}

const removePermission = "/2015-03-31/functions/arn:aws:lambda:us-east-1:111122223333:function:f/policy/s%2D1"

func TestAuthorizer_SeesLabelsAndBodyAndMakesTheContext(t *testing.T) {
	d := &doorkeeper{}
	status, served := knock(d, "DELETE", removePermission, "unexpected")
	if status != http.StatusNoContent || !served {
		t.Errorf("status %d, served %t", status, served)
	}
	want := []string{"begin DELETE", "RemovePermission arn:aws:lambda:us-east-1:111122223333:function:f s-1  unexpected"}
	if diff := cmp.Diff(want, d.asked); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
}

func TestAuthorizer_RefusalInAuthorize_NothingIsHandled(t *testing.T) {
	d := &doorkeeper{authorize: hearth.Errorf(hearth.ErrDenied, "no")}
	if status, served := knock(d, "DELETE", removePermission, ""); status != http.StatusForbidden || served {
		t.Errorf("status %d, served %t", status, served)
	}
}

func TestAuthorizer_RefusalInBegin_HidesWhatThereIs(t *testing.T) {
	for _, path := range []string{removePermission, "/2015-03-31/nothing"} {
		d := &doorkeeper{begin: hearth.Errorf(hearth.ErrNoSignature, "no")}
		if status, served := knock(d, "DELETE", path, "body"); status != http.StatusForbidden || served {
			t.Errorf("%s: status %d, served %t", path, status, served)
		}
		if len(d.asked) != 1 {
			t.Errorf("%s: asked %q", path, d.asked)
		}
	}
}
