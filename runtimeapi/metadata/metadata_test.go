package metadata_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/hearthd/hearth/runtimeapi/metadata"
)

func ask(e *metadata.Endpoint, method, authorization string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, metadata.Path, nil)
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	w := httptest.NewRecorder()
	e.ServeHTTP(w, r)
	return w
}

func TestEndpoint_Token_TellsTheZone(t *testing.T) {
	e := metadata.New("eu-central-1")
	got := ask(e, http.MethodGet, "Bearer "+e.Token())
	if got.Code != http.StatusOK || got.Body.String() != `{"AvailabilityZoneID":"euc1-az1"}` {
		t.Errorf("got %d %s", got.Code, got.Body)
	}
	for key, want := range map[string]string{"Content-Type": "application/json", "Cache-Control": "private, max-age=43200, immutable"} {
		if v := got.Header().Get(key); v != want {
			t.Errorf("%s is %q, want %q", key, v, want)
		}
	}
}

func TestEndpoint_WithoutItsToken_Refuses(t *testing.T) {
	e, other := metadata.New("us-east-1"), metadata.New("us-east-1")
	for _, authorization := range []string{"", e.Token(), "Bearer", "Bearer ", "Bearer " + other.Token(), "Basic " + e.Token()} {
		got := ask(e, http.MethodGet, authorization)
		if got.Code != http.StatusUnauthorized || got.Body.String() != "Unauthorized\n" {
			t.Errorf("with %q: %d %q", authorization, got.Code, got.Body)
		}
	}
}

func TestEndpoint_OtherMethod_Refuses(t *testing.T) {
	e := metadata.New("us-east-1")
	got := ask(e, http.MethodPost, "Bearer "+e.Token())
	if got.Code != http.StatusMethodNotAllowed || got.Body.String() != "Method Not Allowed\n" {
		t.Errorf("got %d %q", got.Code, got.Body)
	}
}

func TestZoneID(t *testing.T) {
	for region, want := range map[string]string{
		"us-east-1": "use1-az1", "eu-west-3": "euw3-az1", "ap-southeast-2": "apse2-az1", "ap-south-1": "aps1-az1",
		"us-gov-west-1": "usgw1-az1", "cn-northwest-1": "cnnw1-az1", "mars": "mars-az1", "a--1": "a1-az1",
	} {
		if got := metadata.ZoneID(region); got != want {
			t.Errorf("ZoneID(%q) is %q, want %q", region, got, want)
		}
	}
}
