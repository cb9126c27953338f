package jetstream_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/store"
	"github.com/hearthd/hearth/store/jetstream"
	"github.com/hearthd/hearth/store/jetstream/jetstreamtest"
)

var killRounds = flag.Int("kill.rounds", 5, "rounds of the kill -9 test")

// killDir is the environment variable that makes the test binary the writer
// that is to be killed.
const killDir = "HEARTH_TEST_KILL_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(killDir); dir != "" {
		fmt.Fprintln(os.Stderr, writeUntilKilled(dir))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// writeUntilKilled writes from several goroutines and prints each write on
// stdout, after it was acknowledged. The key says what the value is.
//
//	put KEY      the record KEY has the value KEY
//	pair N       the records pair/a and pair/b have the value N, or a later one
//	delete KEY   the record KEY is gone
//	blob TEXT    the blob of TEXT, a thousand times, is there
func writeUntilKilled(dir string) error {
	ctx := context.Background()
	s, err := jetstream.Open(ctx, jetstream.Options{Dir: dir})
	if err != nil {
		return err
	}
	session := fmt.Sprintf("%d-%d", os.Getpid(), time.Now().UnixNano())
	var group sync.WaitGroup
	errs := make(chan error, 4)
	run := func(name string, write func(n int) (done string, err error)) {
		group.Go(func() {
			for n := 0; ; n++ {
				done, err := write(n)
				if err != nil {
					errs <- fmt.Errorf("%s %d: %w", name, n, err)
					return
				}
				fmt.Println(done) // one write(2) per line
			}
		})
	}
	run("put", func(n int) (string, error) {
		key := fmt.Sprintf("put/%s/%d", session, n)
		_, err := s.KV().Put(ctx, key, []byte(key))
		return "put " + key, err
	})
	run("pair", func(n int) (string, error) {
		value := []byte(fmt.Sprintf("%020d", time.Now().UnixNano()))
		_, err := s.KV().Commit(ctx, []store.Op{
			{Kind: store.OpPut, Key: "pair/a", Value: value}, {Kind: store.OpPut, Key: "pair/b", Value: value},
		})
		return "pair " + string(value), err
	})
	run("delete", func(n int) (string, error) {
		key := fmt.Sprintf("deleted/%s/%d", session, n)
		revision, err := s.KV().Create(ctx, key, []byte(key))
		if err == nil {
			_, err = s.KV().Delete(ctx, key, revision)
		}
		return "delete " + key, err
	})
	run("blob", func(n int) (string, error) {
		text := fmt.Sprintf("%s/%d", session, n)
		content := bytes.Repeat([]byte(text), 1000)
		_, err := s.Blobs().Put(ctx, jetstreamtest.DigestOf(content), bytes.NewReader(content))
		return "blob " + text, err
	})
	group.Wait()
	return <-errs
}

func TestKill_AtAnyPoint_LosesNothingAcknowledged(t *testing.T) {
	dir := t.TempDir()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	var acknowledged []string
	for round := range *killRounds {
		written := killWriter(t, dir, 1+random.IntN(400))
		acknowledged = append(acknowledged, written...)
		s, err := jetstream.Open(t.Context(), jetstream.Options{Dir: dir})
		if err != nil {
			t.Fatalf("round %d: open after kill: %v", round, err)
		}
		check := written
		if round == *killRounds-1 {
			check = acknowledged // what one start repairs, another must not break
		}
		for _, line := range check {
			if err := verify(t.Context(), s, line); err != nil {
				t.Errorf("round %d: acknowledged %q: %v", round, line, err)
			}
		}
		a, errA := s.KV().Get(t.Context(), "pair/a")
		b, errB := s.KV().Get(t.Context(), "pair/b")
		if !bytes.Equal(a.Value, b.Value) || (errA == nil) != (errB == nil) {
			t.Errorf("round %d: half a commit: %q %v, %q %v", round, a.Value, errA, b.Value, errB)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if len(acknowledged) < *killRounds {
		t.Errorf("only %d writes in %d rounds", len(acknowledged), *killRounds)
	}
	t.Logf("%d acknowledged writes", len(acknowledged))
}

// killWriter runs a writer until it has acknowledged some writes, kills it, and
// returns all that it acknowledged.
func killWriter(t *testing.T, dir string, writes int) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), killDir+"="+dir)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var lines []string
	for r := bufio.NewReader(stdout); ; {
		line, err := r.ReadString('\n')
		if err != nil {
			break // what was cut off was not acknowledged
		}
		if lines = append(lines, strings.TrimSuffix(line, "\n")); len(lines) == writes {
			_ = cmd.Process.Kill()
		}
	}
	_ = cmd.Wait() // killed
	if len(lines) < writes {
		t.Fatalf("the writer ended after %d of %d writes: %s", len(lines), writes, stderr.String())
	}
	return lines
}

// verify returns what is wrong with a line of writeUntilKilled.
func verify(ctx context.Context, s *jetstream.Store, line string) error {
	verb, what, _ := strings.Cut(line, " ")
	switch verb {
	case "put":
		r, err := s.KV().Get(ctx, what)
		if err == nil && string(r.Value) != what {
			err = fmt.Errorf("value %q", r.Value)
		}
		return err
	case "pair":
		r, err := s.KV().Get(ctx, "pair/a")
		if err == nil && string(r.Value) < what {
			err = fmt.Errorf("older value %q", r.Value)
		}
		return err
	case "delete":
		if _, err := s.KV().Get(ctx, what); !errors.Is(err, hearth.ErrNotFound) {
			return fmt.Errorf("Get: error %w", err)
		}
		return nil
	case "blob":
		content := bytes.Repeat([]byte(what), 1000)
		r, err := s.Blobs().Open(ctx, jetstreamtest.DigestOf(content))
		if err != nil {
			return err
		}
		got, err := io.ReadAll(r)
		if err == nil && !bytes.Equal(got, content) {
			err = errors.New("other content")
		}
		return errors.Join(err, r.Close())
	}
	return fmt.Errorf("unknown line")
}
