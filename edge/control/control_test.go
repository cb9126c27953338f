package control_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/hearthd/hearth"
)

func TestCreate_CodeThatCannotBeUnpacked(t *testing.T) {
	serve(t, func(f *fixture) {
		f.host.checkArchive = func([]byte) error {
			return hearth.Errorf(hearth.ErrInvalid, "Could not unzip uploaded file. Please check your file, then try to upload again.")
		}
		f.refused(f.do("POST", functions, createBody("f", "")), 400, "InvalidParameterValueException", "Could not unzip uploaded file.")
		f.refused(f.do("GET", functions+"/f", ""), 404, "ResourceNotFoundException", "Function not found")
	})
}

func TestCreate_RuntimeThatLambdaDoesNotHave_IsRefused(t *testing.T) {
	serve(t, func(f *fixture) {
		f.host.checkRuntime = func(runtime string) (missing, err error) {
			return nil, hearth.Errorf(hearth.ErrInvalid, "There is no %s.", runtime)
		}
		f.refused(f.do("POST", functions, createBody("f", "")), 400, "InvalidParameterValueException", "There is no python3.13.")
	})
}

func TestCreate_RuntimeThatTheHostDoesNotHave_IsWarnedOf(t *testing.T) {
	serve(t, func(f *fixture) {
		f.host.checkRuntime = func(runtime string) (missing, err error) {
			return hearth.Errorf(hearth.ErrInvalidRuntime, "%s needs an interpreter. Install it.", runtime), nil
		}
		w := f.do("POST", functions, createBody("f", ""))
		if got := w.Header().Get("X-Hearth-Warning"); w.Code != 201 || got != "python3.13 needs an interpreter. Install it." {
			f.Errorf("%d, warning %q", w.Code, got)
		}
	})
}

func TestCreate_RequestBeyondItsLimit(t *testing.T) {
	serve(t, func(f *fixture) {
		f.refused(f.do("POST", functions, strings.Repeat(" ", 70167212)), 413, "RequestEntityTooLargeException",
			"Request must be smaller than 70167211 bytes for the CreateFunction operation")
	})
}

func TestCreate_WithoutAHandler(t *testing.T) {
	serve(t, func(f *fixture) {
		body := `{"FunctionName":"f","Runtime":"python3.13",` + role + `,"Code":{"ZipFile":` + zipped("x") + `}}`
		f.refused(f.do("POST", functions, body), 400, "InvalidParameterValueException", "Runtime and Handler are mandatory parameters for functions created with deployment packages.")
	})
}

func TestCreate_WithoutCode(t *testing.T) {
	serve(t, func(f *fixture) {
		body := `{"FunctionName":"f","Runtime":"python3.13","Handler":"h",` + role + `,"Code":{}}`
		f.refused(f.do("POST", functions, body), 400, "InvalidParameterValueException", "Please provide a source for function code.")
	})
}

func TestCreate_QualifiedName(t *testing.T) {
	serve(t, func(f *fixture) {
		f.refused(f.do("POST", functions, createBody("f:live", "")), 400, "InvalidParameterValueException", "version or alias")
	})
}

// tags are as many as asked for.
func tags(n int) string {
	all := map[string]string{}
	for i := range n {
		all[fmt.Sprint("k", i)] = "v"
	}
	data, _ := json.Marshal(all) // a map of strings always encodes
	return `,"Tags":` + string(data)
}

func TestCreate_FiftyTagsAtMost(t *testing.T) {
	serve(t, func(f *fixture) {
		f.refused(f.do("POST", functions, createBody("f", tags(51))), 400, "InvalidParameterValueException", "Number of tags exceeds resource tag limit.")
		f.create("f", tags(50))
	})
}

func environment(value string) string { return `,"Environment":{"Variables":{"KEY":"` + value + `"}}` }

func TestCreate_EnvironmentOfFourKilobytesAtMost(t *testing.T) {
	serve(t, func(f *fixture) {
		most := 4096 - len(`{"KEY":""}`)
		measured := `{\"KEY\":\"` + strings.Repeat("<", 100)
		f.refused(f.do("POST", functions, createBody("f", environment(strings.Repeat("<", most+1)))), 400, "InvalidParameterValueException", "exceeded the 4KB limit. String measured: "+escaped(measured))
		f.create("f", environment(strings.Repeat("<", most)))
	})
}

// escaped writes what errors write of "<".
func escaped(s string) string { return strings.ReplaceAll(s, "<", `\u003c`) }

func TestCreate_ReservedVariables(t *testing.T) {
	serve(t, func(f *fixture) {
		body := createBody("f", `,"Environment":{"Variables":{"AWS_REGION":"x","LAMBDA_TASK_ROOT":"x","MINE":"x","AWS_ACCESS_KEY_ID":"x"}}`)
		f.refused(f.do("POST", functions, body), 400, "InvalidParameterValueException",
			"Reserved keys used in this request: AWS_ACCESS_KEY_ID, AWS_REGION, LAMBDA_TASK_ROOT")
	})
}

func TestCreate_VariablesThatMayBeSet(t *testing.T) {
	serve(t, func(f *fixture) {
		f.create("f", `,"Environment":{"Variables":{"AWS_LAMBDA_EXEC_WRAPPER":"/opt/w","PATH":"/bin","TZ":"UTC","AWS_LAMBDA_LOG_LEVEL":"INFO"}}`)
	})
}

func TestCreate_LogLevelsNeedTheJSONFormat(t *testing.T) {
	serve(t, func(f *fixture) {
		f.refused(f.do("POST", functions, createBody("f", `,"LoggingConfig":{"SystemLogLevel":"WARN"}`)), 400, "InvalidParameterValueException",
			`LogLevel is not supported when LogFormat is set to \"Text\"`)
	})
}

func TestCreate_LayersThatDoNotExist(t *testing.T) {
	serve(t, func(f *fixture) {
		layer := `"arn:aws:lambda:us-east-1:000000000000:layer:l:1"`
		f.refused(f.do("POST", functions, createBody("f", `,"Layers":[`+layer+`]`)), 400, "InvalidParameterValueException",
			"Layer version arn:aws:lambda:us-east-1:000000000000:layer:l:1 does not exist.")
	})
}

func TestCreate_InTheRegionThatTheRequestIsSignedFor(t *testing.T) {
	serve(t, func(f *fixture) {
		w := f.do("POST", functions, createBody("f", ""), "Authorization: AWS4-HMAC-SHA256 Credential=AKID/20261121/us-gov-west-1/lambda/aws4_request, SignedHeaders=host, Signature=00")
		if !strings.Contains(w.Body.String(), `"FunctionArn":"arn:aws-us-gov:lambda:us-gov-west-1:000000000000:function:f"`) {
			f.Errorf("got %s", w.Body)
		}
		f.refused(f.do("GET", functions+"/f", ""), 404, "ResourceNotFoundException", "us-east-1")
	})
}

func TestPrepare_FailureIsShownAndAnUpdateMendsIt(t *testing.T) {
	serve(t, func(f *fixture) {
		f.host.prepare = func(context.Context, *hearth.Function) error { return errors.New("disk /var/secret is full") }
		f.create("f", "")
		if fn := f.stored("f"); fn.State != hearth.StateFailed || fn.StateReasonCode != "InternalError" || strings.Contains(fn.StateReason, "secret") {
			f.Errorf("%s: %s %s", fn.State, fn.StateReasonCode, fn.StateReason)
		}
		if !strings.Contains(f.log.String(), "disk /var/secret is full") {
			f.Errorf("the log does not say why: %s", f.log.String())
		}
		f.host.prepare = nil
		f.do("PUT", functions+"/f/code", `{"ZipFile":`+zipped("better")+`}`)
		f.settle()
		if fn := f.stored("f"); fn.State != hearth.StateActive || fn.StateReason != "" || fn.Update != hearth.UpdateSuccessful {
			f.Errorf("%s %s, update %s", fn.State, fn.StateReason, fn.Update)
		}
	})
}

func TestPrepare_FailedUpdateLeavesTheFunctionActive(t *testing.T) {
	serve(t, func(f *fixture) {
		f.create("f", "")
		f.host.prepare = func(context.Context, *hearth.Function) error {
			return fmt.Errorf("unpack: %w", hearth.Errorf(hearth.ErrInvalidZip, "for the caller"))
		}
		f.do("PUT", functions+"/f/code", `{"ZipFile":`+zipped("worse")+`}`)
		f.settle()
		if fn := f.stored("f"); fn.State != hearth.StateActive || fn.Update != hearth.UpdateFailed || fn.UpdateReason != "for the caller" {
			f.Errorf("%s, update %s: %s", fn.State, fn.Update, fn.UpdateReason)
		}
	})
}

func TestPrepare_GoesOnAfterARestart(t *testing.T) {
	serve(t, func(f *fixture) {
		release := f.host.hold()
		f.do("POST", functions, createBody("f", ""))
		f.settle()
		f.service.Close() // does not wait for the preparation
		if fn := f.stored("f"); fn.State != hearth.StatePending {
			f.Fatalf("%s", fn.State)
		}
		release()
		f.open()
		f.service.Resume(f.memory.All())
		f.settle()
		if fn := f.stored("f"); fn.State != hearth.StateActive {
			f.Errorf("%s", fn.State)
		}
	})
}

func TestPrepare_AfterClose_IsLeftToTheNextStart(t *testing.T) {
	serve(t, func(f *fixture) {
		prepared := 0
		f.host.prepare = func(context.Context, *hearth.Function) error {
			prepared++
			return nil
		}
		f.service.Close()
		for i := range 20 { // of requests that were in progress
			name := fmt.Sprint("f", i)
			f.do("POST", functions, createBody(name, ""))
			f.settle()
			if fn := f.stored(name); fn.State != hearth.StatePending {
				f.Errorf("%s: %s", name, fn.State)
			}
		}
		if prepared > 0 {
			f.Errorf("%d prepared", prepared)
		}
	})
}

func TestPrepare_FunctionDeletedMeanwhileIsNoFault(t *testing.T) {
	serve(t, func(f *fixture) {
		release := f.host.hold()
		f.do("POST", functions, createBody("f", ""))
		f.settle()
		f.do("DELETE", functions+"/f", "")
		release()
		f.settle()
		if f.log.Len() > 0 {
			f.Errorf("logged: %s", f.log.String())
		}
		f.refused(f.do("GET", functions+"/f", ""), 404, "ResourceNotFoundException", "Function not found")
	})
}

func TestPrepare_FourAtATime(t *testing.T) {
	serve(t, func(f *fixture) {
		gate := make(chan struct{})
		running, most := make(chan struct{}, 100), 0
		f.host.prepare = func(context.Context, *hearth.Function) error {
			running <- struct{}{}
			<-gate
			<-running
			return nil
		}
		for i := range 10 {
			f.do("POST", functions, createBody(fmt.Sprint("f", i), ""))
			f.settle()
			most = max(most, len(running))
		}
		close(gate)
		f.settle()
		if most != 4 {
			f.Errorf("%d at a time", most)
		}
		for i := range 10 {
			if fn := f.stored(fmt.Sprint("f", i)); fn.State != hearth.StateActive {
				f.Errorf("%s is %s", fn.Name, fn.State)
			}
		}
	})
}

func TestUpdate_GenerationChangesWithCodeAndConfigurationOnly(t *testing.T) {
	serve(t, func(f *fixture) {
		release := f.host.hold()
		f.do("POST", functions, createBody("f", ""))
		created := f.stored("f")
		release()
		f.settle()
		active := f.stored("f")
		if active.Generation != created.Generation || active.RevisionID == created.RevisionID {
			f.Error("becoming Active changed the generation, or did not change the revision")
		}
		f.do("PUT", functions+"/f/configuration", `{"Timeout":9}`)
		if updated := f.stored("f"); updated.Generation == active.Generation {
			f.Error("an update of the configuration did not change the generation")
		}
	})
}
