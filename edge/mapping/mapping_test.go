package mapping_test

import (
	"encoding/json"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
	"github.com/hearthd/hearth/edge/edgetest"
	"github.com/hearthd/hearth/edge/mapping"
	"github.com/hearthd/hearth/edge/scope"
)

const (
	sources = "/2015-03-31/event-source-mappings"
	queue   = `"EventSourceArn":"arn:aws:sqs:us-east-1:000000000000:q"`
	stream  = `"EventSourceArn":"arn:aws:kinesis:us-east-1:000000000000:stream/s"`
	table   = `"EventSourceArn":"arn:aws:dynamodb:us-east-1:000000000000:table/t/stream/2026-01-01T00:00:00.000"`
)

// fixture is a service with a function f, in a bubble.
type fixture struct {
	*testing.T
	store      edgetest.ByID[hearth.EventSourceMapping]
	service    *mapping.Service
	router     *api.Router
	transcript edgetest.Transcript
}

func serve(t *testing.T, test func(f *fixture)) {
	synctest.Test(t, func(t *testing.T) {
		f := &fixture{T: t, router: api.NewRouter(api.Options{})}
		functions := edgetest.NewMemory()
		name := hearth.Name{Account: "000000000000", Region: "us-east-1", Function: "f"}
		if _, err := functions.Create(t.Context(), &hearth.Function{Name: name, Version: hearth.Latest}); err != nil {
			t.Fatal(err)
		}
		f.service = mapping.New(mapping.Options{
			Mappings: &f.store, Functions: functions, Scope: scope.Defaults{Account: "000000000000", Region: "us-east-1"},
		})
		f.service.Register(f.router)
		test(f)
	})
}

func (f *fixture) do(method, path, body string) *httptest.ResponseRecorder {
	f.Helper()
	return f.transcript.Do(f, f.router, method, path, body)
}

// create makes a mapping of f, waits until it is Enabled and returns its path.
func (f *fixture) create(members string) string {
	f.Helper()
	var created struct{ UUID string }
	w := f.do("POST", sources, `{"FunctionName":"f",`+members+`}`)
	if err := json.Unmarshal(w.Body.Bytes(), &created); err != nil || w.Code != 202 {
		f.Fatalf("%d %s", w.Code, w.Body)
	}
	<-time.After(hearth.MappingSettles)
	return sources + "/" + created.UUID
}

// state expects a state of what is at a path.
func (f *fixture) state(path, want string) {
	f.Helper()
	if w := f.do("GET", path, ""); !strings.Contains(w.Body.String(), `"State":"`+want+`"`) {
		f.Errorf("%d %s, want the state %s", w.Code, w.Body, want)
	}
}

func TestMapping_States_FollowItsChanges(t *testing.T) {
	serve(t, func(f *fixture) {
		path := f.create(queue)
		f.state(path, "Enabled")
		f.do("PUT", path, `{"Enabled":false}`)
		f.state(path, "Disabling")
		edgetest.Refused(f, f.do("PUT", path, `{}`), 400, "ResourceInUseException", "Cannot update the event source mapping because it is in use.")
		<-time.After(hearth.MappingSettles)
		f.state(path, "Disabled")
		f.do("PUT", path, `{"Enabled":true}`)
		f.state(path, "Enabling")
		<-time.After(hearth.MappingSettles)
		f.do("PUT", path, `{"FunctionName":"f","BatchSize":5}`)
		f.state(path, "Updating")
	})
}

func TestMapping_OfAQueue_IsGoneWithTheAnswer(t *testing.T) {
	serve(t, func(f *fixture) {
		path := f.create(queue)
		if w := f.do("DELETE", path, ""); w.Code != 202 || !strings.Contains(w.Body.String(), `"State":"Deleting"`) {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		for _, method := range []string{"GET", "PUT", "DELETE"} {
			body := ""
			if method == "PUT" {
				body = "{}"
			}
			edgetest.Refused(f, f.do(method, path, body), 404, "ResourceNotFoundException", "The resource you requested does not exist.")
		}
	})
}

func TestMapping_OfAStream_IsGoneAfterAMoment(t *testing.T) {
	serve(t, func(f *fixture) {
		path := f.create(stream + `,"StartingPosition":"LATEST"`)
		f.do("DELETE", path, "")
		f.state(path, "Deleting")
		<-time.After(hearth.MappingSettles)
		for _, method := range []string{"GET", "DELETE"} {
			edgetest.Refused(f, f.do(method, path, ""), 404, "ResourceNotFoundException", "The resource you requested does not exist.")
		}
		if w := f.do("GET", sources, ""); strings.TrimSpace(w.Body.String()) != `{"EventSourceMappings":[]}` {
			t.Errorf("listed: %s", w.Body)
		}
		f.create(stream + `,"StartingPosition":"LATEST"`)
	})
}

func TestMapping_List_FiltersAndPages(t *testing.T) {
	serve(t, func(f *fixture) {
		f.create(queue)
		f.create(stream + `,"StartingPosition":"LATEST"`)
		count := func(query string) (n int, next string) {
			t.Helper()
			var list struct {
				EventSourceMappings []struct{ UUID string }
				NextMarker          string
			}
			if err := json.Unmarshal(f.do("GET", sources+query, "").Body.Bytes(), &list); err != nil {
				t.Fatal(err)
			}
			return len(list.EventSourceMappings), list.NextMarker
		}
		for query, want := range map[string]int{
			"": 2, "?FunctionName=f": 2, "?FunctionName=g": 0, "?EventSourceArn=arn:aws:sqs:us-east-1:000000000000:q": 1,
		} {
			if n, _ := count(query); n != want {
				t.Errorf("%q: %d, want %d", query, n, want)
			}
		}
		n, next := count("?MaxItems=1")
		if n != 1 || next == "" {
			t.Errorf("the first page has %d, next %q", n, next)
		}
		if n, next = count("?MaxItems=1&Marker=" + next); n != 1 || next != "" {
			t.Errorf("the second page has %d, next %q", n, next)
		}
	})
}

func TestMapping_Mistakes(t *testing.T) {
	serve(t, func(f *fixture) {
		const kafka, broker, documents = `"SelfManagedEventSource":{"Endpoints":{"KAFKA_BOOTSTRAP_SERVERS":["b:9092"]}}`,
			`"EventSourceArn":"arn:aws:mq:us-east-1:000000000000:broker:b:b-1"`, `"EventSourceArn":"arn:aws:rds:us-east-1:000000000000:cluster:c"`
		const access = `,"SourceAccessConfigurations":[{"Type":"BASIC_AUTH","URI":"arn:aws:secretsmanager:us-east-1:000000000000:secret:s"}]`
		for members, want := range map[string]string{
			`"EventSourceArn":"arn:aws:s3:us-east-1:000000000000:bucket"`: "Unrecognized event source.",
			queue + `,"StartingPosition":"LATEST"`:                        "StartingPosition is not valid for SQS event sources.",
			queue + `,"ParallelizationFactor":2`:                          "Unsupported 'parallelizationFactor' parameter",
			queue + `,"Topics":["topic"]`:                                 "Unsupported 'topics' parameter",
			queue + `,"Queues":["t"]`:                                     "Unsupported 'queues' parameter",
			queue + `,"DestinationConfig":{"OnFailure":{"Destination":"arn:aws:sns:us-east-1:000000000000:t"}}`: "Unsupported DestinationConfig parameter",
			queue + `,"BatchSize":11`: "Maximum batch window in seconds must be greater than 0",
			queue + `,"ScalingConfig":{"MaximumConcurrency":2},"ProvisionedPollerConfig":{"MinimumPollers":2}`: "MaximumConcurrency cannot be used together",
			queue + `,"ProvisionedPollerConfig":{"MinimumPollers":20,"MaximumPollers":2}`:                      "MinimumPollers cannot be greater than MaximumPollers.",
			queue + `,"FilterCriteria":{"Filters":[{"Pattern":"x"}]}`:                                          "Invalid filter pattern definition.",
			strings.Replace(queue, ":q", ":q.fifo", 1) + `,"MaximumBatchingWindowInSeconds":1`:                 "Unsupported 'maximumBatchingWindowInSeconds' parameter",
			strings.Replace(queue, ":q", ":q.fifo", 1) + `,"BatchSize":11`:                                     "Maximum batch size cannot be greater than 10 for FIFO queues.",
			stream: "Value null at 'startingPosition'",
			stream + `,"StartingPosition":"AT_TIMESTAMP"`:                                        "Required 'startingPositionTimestamp' parameter is missing.",
			stream + `,"StartingPosition":"LATEST","StartingPositionTimestamp":1`:                "Timestamp only valid with StartingPosition AT_TIMESTAMP",
			stream + `,"StartingPosition":"AT_TIMESTAMP","StartingPositionTimestamp":4102444800`: "StartingPositionTimestamp cannot be in the future.",
			table + `,"StartingPosition":"AT_TIMESTAMP","StartingPositionTimestamp":1`:           "Unsupported starting position for arn type",
			kafka:                      "Required 'topics' parameter is missing.",
			broker:                     "Required 'queues' parameter is missing.",
			broker + `,"Queues":["t"]`: "Required 'sourceAccessConfigurations' parameter is missing.",
			broker + `,"Queues":["t"],"StartingPosition":"LATEST"` + access: "Unsupported 'startingPosition' parameter",
			documents + `,"StartingPosition":"LATEST"` + access:             "Required 'documentDBEventSourceConfig' parameter is missing.",
		} {
			edgetest.Refused(f, f.do("POST", sources, `{"FunctionName":"f",`+members+`}`), 400, "InvalidParameterValueException", want)
		}
		edgetest.Refused(f, f.do("POST", sources, `{"FunctionName":"none",`+queue+`}`), 400, "InvalidParameterValueException", "Function does not exist")
	})
}

func TestMapping_OfTheSameSource_IsRefused(t *testing.T) {
	serve(t, func(f *fixture) {
		for members, want := range map[string]string{
			queue:                                   `An event source mapping with SQS arn (\" arn:aws:sqs:us-east-1:000000000000:q \") and function (\" f \") already exists.`,
			stream + `,"StartingPosition":"LATEST"`: `The event source arn (\" arn:aws:kinesis:us-east-1:000000000000:stream/s \") and function (\" f \") provided mapping already exists.`,
		} {
			f.create(members)
			edgetest.Refused(f, f.do("POST", sources, `{"FunctionName":"f",`+members+`}`), 409, "ResourceConflictException", want)
		}
	})
}

func TestMapping_IsTaggedByItsARN(t *testing.T) {
	serve(t, func(f *fixture) {
		path := f.create(queue + `,"Tags":{"a":"1"}`)
		arn, tagged := "arn:aws:lambda:us-east-1:000000000000:event-source-mapping:"+strings.TrimPrefix(path, sources+"/"), f.service.Tagged()
		got, err := tagged.Tags(t.Context(), arn)
		if diff := cmp.Diff(map[string]string{"a": "1"}, got); diff != "" || err != nil || !tagged.Owns(arn) {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
		f.do("DELETE", path, "")
		if _, err := tagged.Tags(t.Context(), arn); !errors.Is(err, hearth.ErrNotFound) || err.Error() != "Event source mapping not found: "+arn {
			t.Errorf("of one that is gone: %v", err)
		}
	})
}

func TestMapping_StoreFails(t *testing.T) {
	serve(t, func(f *fixture) {
		path := f.create(queue)
		f.store.Err = errors.New("the disk is on fire")
		for _, r := range [][3]string{
			{"POST", sources, `{"FunctionName":"f",` + queue + `}`}, {"GET", sources, ""}, {"GET", path, ""}, {"PUT", path, `{}`}, {"DELETE", path, ""},
		} {
			if w := f.do(r[0], r[1], r[2]); w.Code != 500 || strings.Contains(w.Body.String(), "disk") {
				t.Errorf("%s %s: %d %s", r[0], r[1], w.Code, w.Body)
			}
		}
	})
}
