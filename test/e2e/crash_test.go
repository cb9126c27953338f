package e2e_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"

	"github.com/hearthd/hearth/api/client"
	"github.com/hearthd/hearth/test/compile"
)

var crashRounds = flag.Int("crash.rounds", 20, "how often the daemon is killed by TestCrash")

// maxTwice is how many events of one function run at a time, and so how many a
// crash may let run twice.
const maxTwice = 8

// crashHandler notes in a file that it ran, and fails if the event says so.
const crashHandler = `import os
def handler(event, context):
    runs = os.open(os.environ["RUNS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(runs, (event["id"] + "\n").encode())
    os.close(runs)
    if event.get("fail"):
        raise Exception("as the event says")
`

// crash is a daemon that is killed again and again, what it has acknowledged,
// and what became of it.
type crash struct {
	*testing.T
	d    *daemon
	fn   function
	runs string // file with a line per run

	mu       sync.Mutex
	events   map[string]bool // acknowledged: whether it fails
	unsure   map[string]bool // sent, but no answer
	aliases  []string        // acknowledged, since the last verification
	created  []string        // functions: acknowledged, not deleted
	deleted  []string        // functions: acknowledged
	sequence int
	met      map[string]int // kills at each failpoint
}

func TestCrash_AtEveryFailpoint_LosesNothingAcknowledged(t *testing.T) {
	t.Parallel()
	c := startCrash(t)
	points := failpoints(t)
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	t.Logf("seed %d, failpoints %q", seed, points)
	for round := range *crashRounds {
		point := points[round%len(points)]
		c.d.env = []string{fmt.Sprintf("HEARTH_FAILPOINT=%s:%d", point, 1+random.IntN(25))}
		if err := c.d.start(); err != nil {
			c.met[point]++ // it died as it started
			c.d.env = nil
			if err := c.d.start(); err != nil {
				t.Fatalf("round %d: start after %s: %v", round, point, err)
			}
		}
		c.verify(round)
		c.load()
		if c.d.runner.ended() {
			c.met[point]++
		} else if err := c.d.kill(); err != nil {
			t.Fatal(err)
		}
		if t.Failed() {
			t.Fatalf("round %d, %s; log:\n%s", round, point, c.d.log())
		}
	}
	c.d.env = nil
	if err := c.d.start(); err != nil {
		t.Fatal(err)
	}
	c.verify(*crashRounds)
	c.settle()
	c.account(points)
}

// startCrash builds a daemon with failpoints and gives it a function.
func startCrash(t *testing.T) *crash {
	t.Helper()
	c := &crash{T: t, events: map[string]bool{}, unsure: map[string]bool{}, met: map[string]int{}, runs: filepath.Join(t.TempDir(), "runs")}
	c.d = newDaemon(t.TempDir(), "--sandbox", "process", "--clock", "test")
	c.d.binary = filepath.Join(t.TempDir(), "hearth")
	if err := compile.Program(t.Context(), "cmd/hearth", c.d.binary, "-tags", "failpoint"); err != nil {
		t.Fatal(err)
	}
	c.d.startFor(t) // whose cleanup stops the last of many starts
	c.fn = c.d.create(t, c.d.newest(t, "python"), "crash.handler", files{"crash.py": crashHandler}, environment("RUNS", c.runs))
	if err := c.d.kill(); err != nil {
		t.Fatal(err)
	}
	return c
}

// failpoints finds the steps at which a crash would matter: the calls in the source.
func failpoints(t *testing.T) []string {
	t.Helper()
	call := regexp.MustCompile(`failpoint\.Hit\("([^"]+)"\)`)
	found := map[string]bool{}
	err := filepath.WalkDir(repository, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "failpoint" || entry.Name() == "test"):
			return fs.SkipDir
		case !strings.HasSuffix(path, ".go"):
			return nil
		}
		source, err := os.ReadFile(path)
		for _, match := range call.FindAllSubmatch(source, -1) {
			found[string(match[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(found) < 10 {
		t.Fatalf("found the failpoints %v only: the search is broken", found)
	}
	return slices.Sorted(maps.Keys(found))
}

// load gives the daemon work until it dies, or for a while.
func (c *crash) load() {
	c.Helper()
	end := time.Now().Add(3 * time.Second)
	for burst := 0; time.Now().Before(end) && !c.d.runner.ended(); burst++ {
		var wg sync.WaitGroup
		for i := range 16 {
			wg.Go(func() { c.send(i%5 == 0, i%4 == 0) })
		}
		wg.Go(c.alias)
		if burst%4 == 1 {
			wg.Go(c.replace)
		}
		wg.Wait()
		if burst%2 == 1 {
			c.advance(time.Minute)
		}
	}
}

// next returns a name that was not used before.
func (c *crash) next(prefix string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sequence++
	return fmt.Sprintf("%s-%d", prefix, c.sequence)
}

// acknowledged reports whether a call was. One that was not must be for the
// daemon's death.
func (c *crash) acknowledged(what string, err error) bool {
	if err == nil {
		return true
	}
	if poll(5*time.Second, c.d.runner.ended) != nil {
		c.Errorf("%s: %v, and the daemon lives", what, err)
	}
	return false
}

// send sends an event.
func (c *crash) send(fails, large bool) {
	id, padding := c.next("event"), ""
	if large {
		padding = strings.Repeat("x", 40_000)
	}
	payload := fmt.Sprintf(`{"id": %q, "fail": %t, "padding": %q}`, id, fails, padding)
	_, err := c.d.client().Invoke(c.Context(), &lambda.InvokeInput{
		FunctionName: &c.fn.name, InvocationType: types.InvocationTypeEvent, Payload: []byte(payload),
	})
	ok := c.acknowledged("send an event", err)
	c.mu.Lock()
	defer c.mu.Unlock()
	if ok {
		c.events[id] = fails
	} else {
		c.unsure[id] = fails
	}
}

// alias creates an alias.
func (c *crash) alias() {
	name := c.next("alias")
	_, err := c.d.client().CreateAlias(c.Context(), &lambda.CreateAliasInput{
		FunctionName: &c.fn.name, Name: &name, FunctionVersion: aws.String("$LATEST"),
	})
	if c.acknowledged("create an alias", err) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.aliases = append(c.aliases, name)
	}
}

// replace creates a function with code of its own, and deletes the oldest one.
func (c *crash) replace() {
	name := c.next("function")
	in := createInput(name, c.d.newest(c.T, "python"), "crash.handler", files{"crash.py": "# " + name}.zip(c.T))
	_, err := c.d.client().CreateFunction(c.Context(), in)
	if !c.acknowledged("create a function", err) {
		return
	}
	c.mu.Lock()
	c.created = append(c.created, name)
	oldest := c.created[0]
	c.created = c.created[1:] // if its deletion is not acknowledged, nothing is known of it
	c.mu.Unlock()
	if oldest == name {
		c.mu.Lock()
		c.created = append(c.created, name)
		c.mu.Unlock()
		return
	}
	_, err = c.d.client().DeleteFunction(c.Context(), &lambda.DeleteFunctionInput{FunctionName: &oldest})
	if c.acknowledged("delete a function", err) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.deleted = append(c.deleted, oldest)
	}
}

// advance moves the daemon's clock.
func (c *crash) advance(by time.Duration) {
	daemon, err := client.New(c.d.endpoint)
	if err != nil {
		c.Error(err)
		return
	}
	defer daemon.Close()
	_, err = daemon.AdvanceClock(c.Context(), by, patience)
	c.acknowledged("advance the clock", err)
}

// verify looks for what was acknowledged before the daemon died. When it dies
// meanwhile, over the events that it found, the next round looks again.
func (c *crash) verify(round int) {
	c.Helper()
	client, complete := c.d.client(), true
	check := func(what string, err error) {
		if _, answered := errors.AsType[smithy.APIError](err); answered {
			c.Errorf("round %d: %s: %v", round, what, err)
		} else if !c.acknowledged(what, err) {
			complete = false
		}
	}
	for _, name := range c.aliases {
		_, err := client.GetAlias(c.Context(), &lambda.GetAliasInput{FunctionName: &c.fn.name, Name: &name})
		check("alias "+name, err)
	}
	for _, name := range c.created {
		check("function "+name, c.downloads(client, name))
	}
	for _, name := range c.deleted {
		_, err := client.GetFunction(c.Context(), &lambda.GetFunctionInput{FunctionName: &name})
		if _, gone := errors.AsType[*types.ResourceNotFoundException](err); gone {
			continue
		}
		if err == nil {
			c.Errorf("round %d: deleted function %s is there", round, name)
		}
		check("deleted function "+name, err)
	}
	if complete {
		c.aliases, c.deleted = nil, nil
	}
}

// downloads gets a function and its code.
func (c *crash) downloads(client *lambda.Client, name string) error {
	out, err := client.GetFunction(c.Context(), &lambda.GetFunctionInput{FunctionName: &name})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(c.Context(), http.MethodGet, *out.Code.Location, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK || resp.ContentLength != out.Configuration.CodeSize {
		return fmt.Errorf("its code: %s, %d bytes of %d", resp.Status, resp.ContentLength, out.Configuration.CodeSize)
	}
	return nil
}

// settle lets all events run to their end.
func (c *crash) settle() {
	c.Helper()
	daemon, err := client.New(c.d.endpoint)
	if err != nil {
		c.Fatal(err)
	}
	defer daemon.Close()
	ctx, cancel := context.WithTimeout(c.Context(), 5*time.Minute)
	defer cancel()
	report, err := daemon.AdvanceClock(ctx, 10*time.Hour, 4*time.Minute)
	if err != nil || report.Stopped != "" {
		c.Fatalf("advance the clock: %v %s", err, report.Stopped)
	}
	left, err := daemon.Events(ctx)
	if err != nil || left.Ready+left.Running+left.Delayed != 0 {
		c.Fatalf("events are left: %+v, %v", left, err)
	}
}

// account compares what ran with what was acknowledged.
func (c *crash) account(points []string) {
	c.Helper()
	lines, err := os.ReadFile(c.runs)
	if err != nil {
		c.Fatal(err)
	}
	runs := map[string]int{}
	for id := range strings.FieldsSeq(string(lines)) {
		runs[id]++
	}
	twice, lost := 0, 0
	for id, fails := range c.events {
		want := 1
		if fails {
			want = 3
		}
		if runs[id] < want {
			lost++
			c.Errorf("accepted event %s ran %d times, want %d", id, runs[id], want)
		}
		twice += max(0, runs[id]-want)
	}
	unanswered := 0
	for id, fails := range c.unsure {
		if runs[id] > 0 {
			unanswered++
		}
		if fails {
			twice += max(0, runs[id]-3)
		} else {
			twice += max(0, runs[id]-1)
		}
	}
	c.Logf("%d kills: %d events accepted, %d lost, %d runs too many; %d without an answer, of which %d ran",
		*crashRounds, len(c.events), lost, twice, len(c.unsure), unanswered)
	c.Logf("kills at failpoints: %v", c.met)
	if limit := *crashRounds * maxTwice; twice > limit {
		c.Errorf("%d runs too many; %d kills allow %d", twice, *crashRounds, limit)
	}
	if *crashRounds >= 3*len(points) {
		for _, point := range points {
			if c.met[point] == 0 {
				c.Errorf("the daemon never came to %s", point)
			}
		}
	}
}
