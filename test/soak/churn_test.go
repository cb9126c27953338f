package soak_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/hearthd/hearth/internal/resident"
	"github.com/hearthd/hearth/test/deployment"
)

// How much more memory a daemon may have than it began with: at most, which is the
// limit of its heap, and once it has been left alone for a minute.
const slackPeak, slackRest = 288 << 20, 40 << 20

// churners is how many functions come and go at a time, and ballast what each has in
// its archive beside its program. A life takes pace at least: what the store keeps for
// ten seconds depends on how fast archives come, and not on how many came.
const (
	churners = 3
	ballast  = 1 << 20
	pace     = 2 * time.Second
)

// Functions that come and go leave no memory with the daemon.
func TestChurn_Memory_IsBoundedAndGivenBack(t *testing.T) {
	s := open(t, "process")
	s.create(t, "plain")
	s.invoke(t.Context(), "plain", "answer", false) // what is made once is made now
	before := s.resident(t)

	ctx, cancel := context.WithTimeout(t.Context(), *soakTime)
	defer cancel()
	var wg sync.WaitGroup
	var lives atomic.Int64
	for i := range churners {
		wg.Go(func() {
			tick := time.NewTicker(pace)
			defer tick.Stop()
			for n := 0; ctx.Err() == nil; n++ {
				// A life that has begun goes on to its end.
				if err := s.live(t.Context(), fmt.Sprintf("churn-%d-%d", i, n)); err != nil {
					t.Error(err)
					return
				}
				lives.Add(1)
				select {
				case <-tick.C:
				case <-ctx.Done():
				}
			}
		})
	}
	wg.Wait()
	pid, err := strconv.Atoi(s.pid)
	if err != nil {
		t.Fatal(err)
	}
	busy, peak := s.resident(t), resident.Peak(pid)
	rest := s.rests(t, before+slackRest)
	t.Logf("%d functions; resident at first %d MiB, in the end %d, at most %d, left alone %d", lives.Load(), before>>20, busy>>20, peak>>20, rest>>20)
	if peak > before+slackPeak {
		t.Errorf("resident at most %d MiB, %d at first", peak>>20, before>>20)
	}
	if rest > before+slackRest {
		t.Errorf("resident %d MiB after a minute, %d at first", rest>>20, before>>20)
	}
}

// live makes a function, calls it, changes its code, calls it again and deletes it.
func (s *session) live(ctx context.Context, name string) error {
	for step := range 2 {
		archive, err := s.ballasted()
		if err != nil {
			return err
		}
		if step == 0 {
			_, err = s.client.CreateFunction(ctx, &lambda.CreateFunctionInput{
				FunctionName: &name, Runtime: types.RuntimeProvidedal2023, Handler: aws.String("h"), Role: aws.String("arn:aws:iam::000000000000:role/r"),
				Code:        &types.FunctionCode{ZipFile: archive},
				Environment: &types.Environment{Variables: map[string]string{"SOAK": s.mark}},
			})
		} else {
			_, err = s.client.UpdateFunctionCode(ctx, &lambda.UpdateFunctionCodeInput{FunctionName: &name, ZipFile: archive})
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err := s.ready(ctx, name); err != nil {
			return err
		}
		if _, err := s.client.Invoke(ctx, &lambda.InvokeInput{FunctionName: &name, Payload: []byte(`{"Do":"answer"}`)}); err != nil {
			return fmt.Errorf("invoke %s: %w", name, err)
		}
	}
	if _, err := s.client.DeleteFunction(ctx, &lambda.DeleteFunctionInput{FunctionName: &name}); err != nil {
		return fmt.Errorf("delete %s: %w", name, err)
	}
	return nil
}

// ready waits until a function and its update are.
func (s *session) ready(ctx context.Context, name string) error {
	in := &lambda.GetFunctionConfigurationInput{FunctionName: &name}
	if err := lambda.NewFunctionActiveV2Waiter(s.client, quick).Wait(ctx, &lambda.GetFunctionInput{FunctionName: &name}, time.Minute); err != nil {
		return fmt.Errorf("create %s: %w", name, err)
	}
	if err := lambda.NewFunctionUpdatedWaiter(s.client, quickly).Wait(ctx, in, time.Minute); err != nil {
		return fmt.Errorf("update %s: %w", name, err)
	}
	return nil
}

func quick(o *lambda.FunctionActiveV2WaiterOptions) {
	o.MinDelay, o.MaxDelay = 20*time.Millisecond, time.Second
}
func quickly(o *lambda.FunctionUpdatedWaiterOptions) {
	o.MinDelay, o.MaxDelay = 20*time.Millisecond, time.Second
}

// ballasted is an archive of the session's program that no other is like.
func (s *session) ballasted() ([]byte, error) {
	program, err := os.ReadFile(s.program)
	if err != nil {
		return nil, err
	}
	noise := make([]byte, ballast)
	rand.Read(noise) // never fails
	return deployment.Zip(map[string][]byte{"bootstrap": program, "noise": noise})
}

// resident is what the daemon has in memory, in bytes.
func (s *session) resident(t *testing.T) int64 {
	t.Helper()
	statm, err := os.ReadFile(filepath.Join("/proc", s.pid, "statm"))
	if err != nil {
		t.Fatal(err)
	}
	pages, err := strconv.ParseInt(strings.Fields(string(statm))[1], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return pages * int64(os.Getpagesize())
}

// rests leaves the daemon alone for a minute, or until it has no more than enough.
func (s *session) rests(t *testing.T, enough int64) int64 {
	t.Helper()
	http.DefaultClient.CloseIdleConnections()
	for deadline := time.Now().Add(time.Minute); ; {
		now := s.resident(t)
		if now <= enough || time.Now().After(deadline) {
			return now
		}
		select {
		case <-time.After(time.Second):
		case <-t.Context().Done():
			return now
		}
	}
}
