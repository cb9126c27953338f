package e2e_test

import (
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

// ids invokes a function n times at once and counts the environments that
// answered. Every invocation must succeed.
func ids(t *testing.T, f function, n int, payload string) map[string]int {
	t.Helper()
	ids, errs := map[string]int{}, []error{}
	var mu sync.Mutex
	var calls sync.WaitGroup
	client, ctx := f.d.client(), ctxFor(t)
	for range n {
		calls.Go(func() {
			out, err := client.Invoke(ctx, &lambda.InvokeInput{FunctionName: &f.name, Payload: []byte(payload)})
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err != nil:
				errs = append(errs, err)
			case out.FunctionError != nil:
				errs = append(errs, fmt.Errorf("%s: %s", aws.ToString(out.FunctionError), out.Payload))
			default:
				ids[string(out.Payload)]++
			}
		})
	}
	calls.Wait()
	if len(errs) > 0 {
		t.Fatalf("%d of %d invocations failed, one with: %v", len(errs), n, errs[0])
	}
	return ids
}

// Not in parallel: a machine that has no time for the environment to ask for
// its next event gets another one started.
func TestEnvironment_ServesSequentialCallsAlone(t *testing.T) {
	fn := shared(t).python(t)
	client, ctx := fn.d.client(), ctxFor(t)
	var first string
	for i := range 1000 {
		out, err := client.Invoke(ctx, &lambda.InvokeInput{FunctionName: &fn.name})
		if err != nil || out.FunctionError != nil {
			t.Fatalf("call %d: %v %s", i, err, aws.ToString(out.FunctionError))
		}
		if first == "" {
			first = string(out.Payload)
		}
		if string(out.Payload) != first {
			t.Fatalf("call %d reached environment %s, those before reached %s", i, out.Payload, first)
		}
	}
}

func TestEnvironment_TakesOneEventAtATime(t *testing.T) {
	t.Parallel()
	fn := shared(t).python(t)
	// Long enough for the last of them to be there before the first is done.
	if got := ids(t, fn, 20, event(t, "exec", "time.sleep(3)")); len(got) != 20 {
		t.Errorf("20 slow calls at once reached %d environments, want 20", len(got))
	}
}

func TestEnvironment_HundredFromZero(t *testing.T) {
	t.Parallel()
	fn := shared(t).python(t)
	calls := 0
	for _, n := range ids(t, fn, 100, `{}`) {
		calls += n
	}
	if calls != 100 {
		t.Errorf("%d answers to 100 calls", calls)
	}
}

func TestEnvironment_EndsWhenIdle(t *testing.T) {
	t.Parallel()
	d := startDaemon(t, "--idle-timeout", "1s")
	fn := d.python(t)
	first := evaluate[string](t, fn, "ID")
	if n := len(functionProcesses(fn.name)); n == 0 {
		t.Fatal("a warm environment has no process: what follows would show nothing")
	}
	eventually(t, "end the idle environment", func() bool { return len(functionProcesses(fn.name)) == 0 })
	if second := evaluate[string](t, fn, "ID"); second == first {
		t.Error("the environment answers that has ended")
	}
}

func TestEnvironment_EndsWithItsCode(t *testing.T) {
	t.Parallel()
	fn := shared(t).python(t)
	first := evaluate[string](t, fn, "ID")
	code := files{"probe.py": testdata(t, "probe.py") + "\nNEW = True\n"}.zip(t)
	if _, err := fn.d.client().UpdateFunctionCode(ctxFor(t), &lambda.UpdateFunctionCodeInput{FunctionName: &fn.name, ZipFile: code}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "serve the new code", func() bool { return evaluate[bool](t, fn, "'NEW' in globals()") })
	if second := evaluate[string](t, fn, "ID"); second == first {
		t.Error("an environment of the old code serves the new one")
	}
	eventually(t, "end the environment of the old code", func() bool { return len(functionProcesses(fn.name)) <= 2 })
}

func TestEnvironment_ThrottlesBeyondTheLimit(t *testing.T) {
	t.Parallel()
	d := startDaemon(t, "--max-concurrency", "1")
	fn := d.python(t)
	var slow sync.WaitGroup
	slow.Go(func() {
		if res, err := fn.tryInvoke(t, event(t, "exec", "open('/tmp/busy', 'w').close(); time.sleep(3)")); err != nil || res.FunctionError != "" {
			t.Errorf("the slow call: %v %s", err, res.Payload)
		}
	})
	defer slow.Wait()
	fn.awaitFile(t, "/tmp/busy")
	_, err := fn.tryInvoke(t, `{}`)
	if answer := apiError(t, err); answer.ErrorCode() != "TooManyRequestsException" || answer.ErrorMessage() != "Rate Exceeded." {
		t.Errorf("refused with %v, want TooManyRequestsException: Rate Exceeded.", answer)
	}
}

func TestEnvironment_FreezesWhenIdle(t *testing.T) {
	t.Parallel()
	d := startDaemon(t, "--freeze-after", "100ms")
	fn := d.python(t)
	const tick = `
import threading
def ticks():
    with open("/tmp/ticks", "ab", 0) as f:
        while True:
            f.write(b".")
            time.sleep(0.01)
threading.Thread(target=ticks, daemon=True).start()
`
	before := evaluate[string](t, fn, "ID")
	fn.invoke(t, event(t, "exec", tick))
	file := fn.awaitFile(t, "/tmp/ticks")
	var size int64
	since := time.Now()
	eventually(t, "stop", func() bool {
		info, err := os.Stat(file)
		if err == nil && info.Size() != size {
			size, since = info.Size(), time.Now()
		}
		return time.Since(since) > 500*time.Millisecond
	})
	expect(t, fn, "ID", before) // thawed, not started again
	eventually(t, "go on", func() bool {
		info, err := os.Stat(file)
		return err == nil && info.Size() > size
	})
}

func TestUpdateFunctionCode_CallsInProgressFinish(t *testing.T) {
	t.Parallel()
	fn := shared(t).python(t)
	answer := make(chan result, 1)
	go func() { // received below
		res, err := fn.tryInvoke(t, event(t, "exec", "open('/tmp/busy', 'w').close(); time.sleep(2)", "eval", "'NEW' in globals()"))
		if err != nil {
			t.Errorf("the call in progress: %v", err)
		}
		answer <- res
	}()
	fn.awaitFile(t, "/tmp/busy")
	code := files{"probe.py": testdata(t, "probe.py") + "\nNEW = True\n"}.zip(t)
	if _, err := fn.d.client().UpdateFunctionCode(ctxFor(t), &lambda.UpdateFunctionCodeInput{FunctionName: &fn.name, ZipFile: code}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "serve the new code", func() bool { return evaluate[bool](t, fn, "'NEW' in globals()") })
	if res := <-answer; res.Payload != "false" || res.FunctionError != "" {
		t.Errorf("the call in progress got %s %s, want an answer of the old code", res.FunctionError, res.Payload)
	}
}
