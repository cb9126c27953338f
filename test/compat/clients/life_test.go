package clients_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/hearthd/hearth/test/compat/fetch"
)

// configure changes settings of the function, whose environments that ends, and
// waits until they are in force.
func (f function) configure(t *testing.T, change func(*lambda.UpdateFunctionConfigurationInput)) {
	t.Helper()
	in := &lambda.UpdateFunctionConfigurationInput{FunctionName: &f.name}
	change(in)
	if _, err := f.d.client.UpdateFunctionConfiguration(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	waiter := lambda.NewFunctionUpdatedV2Waiter(f.d.client, func(o *lambda.FunctionUpdatedV2WaiterOptions) { o.MinDelay = 50 * time.Millisecond })
	if err := waiter.Wait(t.Context(), &lambda.GetFunctionInput{FunctionName: &f.name}, patience); err != nil {
		t.Fatal(err)
	}
}

// log is what is in the function's log now.
func (f function) log(t *testing.T) string {
	t.Helper()
	return fetch.Run(t, ".", nil, hearthBinary, "logs", f.name, "--endpoint", f.d.address)
}

// awaitLog waits until the function's log has text.
func (f function) awaitLog(t *testing.T, text string) {
	t.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience / 3); ; <-tick.C {
		log := f.log(t)
		if strings.Contains(log, text) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the log has no %q:\n%s", text, log)
		}
	}
}

// publish makes a layer of a directory and returns the ARN of its version.
func (d *daemon) publish(t *testing.T, name, dir string) string {
	t.Helper()
	out, err := d.client.PublishLayerVersion(t.Context(), &lambda.PublishLayerVersionInput{
		LayerName: &name, Content: &types.LayerVersionContentInput{ZipFile: archived(t, dir)},
	})
	if err != nil {
		t.Fatal(err)
	}
	return *out.LayerVersionArn
}

// toldOfItsEnd: a function that registers an internal extension, which clients
// do for it, has time after SIGTERM, whatever ends its environment.
func toldOfItsEnd(t *testing.T, pkg string) {
	const handler, said = "graceful.handler", "function: SIGTERM"
	t.Run("Update", func(t *testing.T) {
		fn := sandboxed.deploy(t, pkg, handler, timeoutSeconds)
		fn.count(t)
		fn.configure(t, func(in *lambda.UpdateFunctionConfigurationInput) { in.MemorySize = new(int32(memoryMB + 1)) })
		fn.awaitLog(t, said)
	})
	t.Run("Delete", func(t *testing.T) {
		fn := sandboxed.deploy(t, pkg, handler, timeoutSeconds)
		fn.count(t)
		if _, err := sandboxed.client.DeleteFunction(t.Context(), &lambda.DeleteFunctionInput{FunctionName: &fn.name}); err != nil {
			t.Fatal(err)
		}
		// The log of a function can be read while there is one of its name.
		sandboxed.deploy(t, pkg, handler, timeoutSeconds).awaitLog(t, said)
	})
	t.Run("Idle", func(t *testing.T) {
		d, err := startDaemon(filepath.Join(t.TempDir(), "data"), "--idle-timeout", "1s")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := d.stop(); err != nil {
				t.Error(err)
			}
		})
		fn := d.deploy(t, pkg, handler, timeoutSeconds)
		fn.count(t)
		fn.awaitLog(t, said)
	})
	t.Run("Stop", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "data")
		d, err := startDaemon(dir)
		if err != nil {
			t.Fatal(err)
		}
		d.deploy(t, pkg, handler, timeoutSeconds).count(t)
		if err := d.stop(); err != nil {
			t.Fatal(err)
		}
		if log := fetch.Run(t, dir, nil, "grep", "-rc", said, "logs"); !strings.Contains(log, ":1") {
			t.Errorf("in the log of the function that the daemon ended, %q is found %s times", said, log)
		}
	})
}
