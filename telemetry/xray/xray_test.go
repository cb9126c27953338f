package xray_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth/telemetry/xray"
)

const header = `{"format":"json","version":1}` + "\n"

func segment(trace, id string) string {
	return fmt.Sprintf(`{"name":"s3","id":%q,"trace_id":%q,"start_time":1.5}`, id, trace)
}

func open(t *testing.T, opts xray.Options) (*xray.Store, string) {
	t.Helper()
	dir := t.TempDir()
	s, err := xray.Open(dir, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s, dir
}

func find(t *testing.T, s *xray.Store, q xray.Query) []string {
	t.Helper()
	found, err := s.Find(q)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range found {
		var ids struct{ ID string }
		if err := json.Unmarshal(f, &ids); err != nil {
			t.Fatal(err)
		}
		got = append(got, ids.ID)
	}
	return got
}

func TestDaemon_Datagrams_AreKept(t *testing.T) {
	s, _ := open(t, xray.Options{})
	conn, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	arrived := make(chan struct{}, 10)
	d := xray.Listen(conn, func(b []byte) { s.Add(b); arrived <- struct{}{} })
	client, err := net.Dial("udp4", conn.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	large := strings.Replace(segment("1-a", "large"), "s3", strings.Repeat("x", 60000), 1)
	for _, datagram := range []string{header + segment("1-a", "one"), "nonsense", header + large, header + "{\n  " + segment("1-b", "three")[1:]} {
		if _, err := client.Write([]byte(datagram)); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		select {
		case <-arrived:
		case <-time.After(10 * time.Second):
			t.Fatal("a segment did not arrive")
		}
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"one", "large", "three"}, find(t, s, xray.Query{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestFind_SelectsByTraceAndKeepsTheLatest(t *testing.T) {
	s, _ := open(t, xray.Options{})
	for i := range 10 {
		s.Add([]byte(segment(fmt.Sprintf("1-%d", i%2), fmt.Sprint(i))))
	}
	if diff := cmp.Diff([]string{"1", "3", "5", "7", "9"}, find(t, s, xray.Query{TraceID: "1-1"})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"8", "9"}, find(t, s, xray.Query{Limit: 2})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := find(t, s, xray.Query{Since: time.Now().Add(48 * time.Hour)}); got != nil {
		t.Errorf("of the future: %q", got)
	}
}

func TestStore_Reopened_HasItsSegments(t *testing.T) {
	s, dir := open(t, xray.Options{})
	s.Add([]byte(segment("1-a", "one")))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := xray.Open(dir, xray.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if got := find(t, again, xray.Query{}); len(got) != 1 {
		t.Errorf("got %q", got)
	}
}

func TestStore_OldDays_AreRemoved(t *testing.T) {
	dir := t.TempDir()
	old, young := filepath.Join(dir, "2020-01-01.jsonl"), filepath.Join(dir, time.Now().UTC().Format("2006-01-02")+".jsonl")
	for _, name := range []string{old, young} {
		if err := os.WriteFile(name, []byte(segment("1-a", "one")+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s, err := xray.Open(dir, xray.Options{Retention: 24 * time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil { // waits for the first look
		t.Fatal(err)
	}
	if _, err := os.Stat(old); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the old day: %v", err)
	}
	if _, err := os.Stat(young); err != nil {
		t.Error(err)
	}
}

func TestStore_FullDay_DropsAndLives(t *testing.T) {
	s, _ := open(t, xray.Options{MaxDay: 100})
	s.Add([]byte(segment("1-a", "one")))
	s.Flush()
	for range 10 {
		s.Add([]byte(segment("1-a", "more")))
	}
	if got := find(t, s, xray.Query{}); len(got) != 1 {
		t.Errorf("got %q", got)
	}
}

// A function can send for as long as it likes; the daemon's log stays readable.
func TestStore_FullDay_IsSaidOnce(t *testing.T) {
	var said bytes.Buffer
	s, _ := open(t, xray.Options{MaxDay: 10, Logger: slog.New(slog.NewTextHandler(&said, nil))})
	for range 50 {
		s.Add([]byte(segment("1-1-1", "a")))
		s.Flush()
	}
	s.Close() // nothing is said any more
	if n := strings.Count(said.String(), "\n"); n != 1 || !strings.Contains(said.String(), "is full") {
		t.Errorf("said %d times: %s", n, said.String())
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(header + segment("1-a", "one")))
	f.Add([]byte(`{"format": "json", "version": 1}` + "\n" + `{"id":"x"}`))
	f.Add([]byte("\n\n{}"))
	f.Fuzz(func(t *testing.T, datagram []byte) {
		line, err := xray.Parse(datagram)
		if err != nil {
			return
		}
		if !json.Valid(line) || strings.ContainsRune(string(line), '\n') || len(line) > len(datagram) {
			t.Errorf("%q became %q", datagram, line)
		}
	})
}
