package jetstream_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/store/jetstream"
	"github.com/hearthd/hearth/store/jetstream/embedded"
	"github.com/hearthd/hearth/store/jetstream/jetstreamtest"
	"github.com/nats-io/nats-server/v2/server"
	natsjs "github.com/nats-io/nats.go/jetstream"
)

// Trap 1: an acknowledged write is on disk.
//
// The kernel counts, per process, the bytes of pages that become dirty. A page
// that was synced becomes dirty again at the next write to it, one that was
// not stays dirty: so many small writes to the end of a file count a page each
// when each is synced, and together a few pages when they are not. The test
// shows first that the counter tells the two apart here. A Commit of several
// keys cannot be counted this way: the server stages it in files of its own.
func TestWrites_Acknowledged_AreSynced(t *testing.T) {
	const writes = 64
	dir, why := countingDir(t, writes)
	if dir == "" {
		t.Skip(why)
	}
	s := jetstreamtest.Open(t, filepath.Join(dir, "store"))
	log := jetstreamtest.OpenLog(t, s)
	for name, write := range map[string]func(i int) error{
		"Put": func(i int) error {
			_, err := s.KV().Put(t.Context(), fmt.Sprint("k", i), []byte("v"))
			return err
		},
		"Append": func(i int) error {
			_, err := log.Append(t.Context(), []byte(fmt.Sprint("entry", i)))
			return err
		},
		"PutBlob": func(i int) error {
			content := []byte(fmt.Sprint("blob", i))
			_, err := s.Blobs().Put(t.Context(), jetstreamtest.DigestOf(content), bytes.NewReader(content))
			return err
		},
	} {
		got := dirtied(t, func() {
			for i := range writes {
				if err := write(i); err != nil {
					t.Fatal(err)
				}
			}
		})
		if all := int64(writes * os.Getpagesize()); got < all {
			t.Errorf("%s: %d acknowledged writes dirtied %d bytes, less than a page each: they were not synced", name, writes, got)
		}
	}
}

// countingDir returns a directory where the counter works, or why there is
// none: the temporary directory, or the source tree when that is in memory.
func countingDir(t *testing.T, writes int) (dir, why string) {
	t.Helper()
	for _, parent := range []string{t.TempDir(), "."} {
		dir, err := os.MkdirTemp(parent, ".tmp-synced-")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.RemoveAll(dir) })
		synced := dirtied(t, func() { appendFile(t, filepath.Join(dir, "synced"), writes, true) })
		lazy := dirtied(t, func() { appendFile(t, filepath.Join(dir, "lazy"), writes, false) })
		all := int64(writes * os.Getpagesize())
		if synced >= all && lazy <= all/4 {
			return dir, ""
		}
		why += fmt.Sprintf("%s: %d bytes with syncs, %d without. ", parent, synced, lazy)
	}
	return "", "no file system here counts syncs: " + why
}

func appendFile(t *testing.T, path string, writes int, sync bool) {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for range writes {
		if _, err := file.WriteString("a few bytes\n"); err != nil {
			t.Fatal(err)
		}
		if sync {
			if err := file.Sync(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// dirtied returns the bytes of pages that this process made dirty in f.
func dirtied(t *testing.T, f func()) int64 {
	t.Helper()
	read := func() int64 {
		content, err := os.ReadFile("/proc/self/io")
		if err != nil {
			t.Skipf("no counter of this process's writes: %v", err)
		}
		match := regexp.MustCompile(`(?m)^write_bytes: (\d+)$`).FindSubmatch(content)
		if match == nil {
			t.Skip("no counter of this process's writes in /proc/self/io")
		}
		n, err := strconv.ParseInt(string(match[1]), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := read()
	f()
	return read() - before
}

// Trap 2: no replica that lags may answer a read.
func TestStreams_AsCreated_ReadFromTheLeaderOnly(t *testing.T) {
	srv := jetstreamtest.Serve(t, nil)
	jetstreamtest.Connect(t, srv)
	js := jetstreamtest.Client(t, srv)
	for _, name := range []string{"KV_hearth_meta", "OBJ_hearth_code"} {
		stream, err := js.Stream(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		c := stream.CachedInfo().Config
		if c.AllowDirect || c.MirrorDirect || c.Storage != natsjs.FileStorage || c.Discard != natsjs.DiscardNew ||
			!c.AllowRollup || c.PersistMode != natsjs.DefaultPersistMode {
			t.Errorf("%s has %+v", name, c)
		}
		if name == "KV_hearth_meta" && (c.MaxMsgsPerSubject != 1 || !c.DenyDelete || !c.AllowAtomicPublish) {
			t.Errorf("%s has %+v", name, c)
		}
	}
}

func TestConnect_BucketOfTheClientLibrary_IsRepaired(t *testing.T) {
	srv := jetstreamtest.Serve(t, nil)
	js := jetstreamtest.Client(t, srv)
	bucket, err := js.CreateKeyValue(t.Context(), natsjs.KeyValueConfig{Bucket: "hearth_meta"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bucket.Put(t.Context(), "a", []byte("1")); err != nil {
		t.Fatal(err)
	}
	kv := jetstreamtest.Connect(t, srv).KV()
	stream, err := js.Stream(t.Context(), "KV_hearth_meta")
	if err != nil {
		t.Fatal(err)
	}
	if c := stream.CachedInfo().Config; c.AllowDirect || !c.AllowAtomicPublish {
		t.Errorf("config is still %+v", c)
	}
	if r, err := kv.Get(t.Context(), "a"); err != nil || string(r.Value) != "1" {
		t.Errorf("Get = %q, error %v", r.Value, err)
	}
}

func TestConnect_BucketInMemory_IsRefused(t *testing.T) {
	srv := jetstreamtest.Serve(t, nil)
	_, err := jetstreamtest.Client(t, srv).CreateKeyValue(t.Context(), natsjs.KeyValueConfig{Bucket: "hearth_meta", Storage: natsjs.MemoryStorage})
	if err != nil {
		t.Fatal(err)
	}
	_, err = jetstream.Connect(t.Context(), jetstream.ExternalOptions{URL: srv.ClientURL()})
	jetstreamtest.WantKind(t, err, hearth.ErrInvalid)
	if err == nil || !strings.Contains(err.Error(), "KV_hearth_meta") {
		t.Errorf("error %v does not name the stream", err)
	}
}

// Trap 3: a store and a cluster node never meet in one directory.
func TestOpen_AnyDirectory_StaysStandalone(t *testing.T) {
	dir := t.TempDir()
	jetstreamtest.Open(t, dir)
	if _, err := os.Stat(filepath.Join(dir, "standalone", "jetstream", "$G", "streams", "KV_hearth_meta")); err != nil {
		t.Errorf("the store is not where its name says what it is: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "standalone", "jetstream", "$SYS", "_js_")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a standalone server has cluster state: %v", err)
	}
	opts := embedded.Options(dir, 0)
	if opts.Cluster.Port != 0 || opts.Cluster.Name != "" || opts.Cluster.Host != "" || len(opts.Routes) != 0 || opts.Gateway.Name != "" {
		t.Errorf("cluster options are set: %+v", opts.Cluster)
	}
}

func TestOpen_DirectoryOfAClusterNode_IsRefused(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "LAYOUT"), []byte("hearth store, standalone, 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	// A real node, so that the test notices when NATS moves its files.
	opts := embedded.Options(filepath.Join(dir, "standalone"), 0)
	opts.DontListen, opts.Host, opts.Port = false, "127.0.0.1", server.RANDOM_PORT
	opts.Cluster = server.ClusterOpts{Name: "c", Host: "127.0.0.1", Port: server.RANDOM_PORT}
	opts.Routes = server.RoutesFromStr("nats://127.0.0.1:1")
	node, err := embedded.Start(opts, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	node.Shutdown()
	node.WaitForShutdown()

	_, err = jetstream.Open(t.Context(), jetstream.Options{Dir: dir})
	jetstreamtest.WantKind(t, err, hearth.ErrInvalid)
	if err == nil || !strings.Contains(err.Error(), "cluster") {
		t.Errorf("error %v does not say what is wrong", err)
	}
}

// Trap 4: messages of 8 MiB. That values and blobs of 6 MB work is in the suite.
func TestConnect_ServerWithSmallMessages_IsRefused(t *testing.T) {
	srv := jetstreamtest.Serve(t, func(opts *server.Options) { opts.MaxPayload = 1 << 20 })
	_, err := jetstream.Connect(t.Context(), jetstream.ExternalOptions{URL: srv.ClientURL()})
	jetstreamtest.WantKind(t, err, hearth.ErrInvalid)
	if err == nil || !strings.Contains(err.Error(), "max_payload: 8MB") {
		t.Errorf("error %v does not name the setting", err)
	}
}

func TestConnect_NoServer_IsUnavailable(t *testing.T) {
	srv := jetstreamtest.Serve(t, nil)
	url := srv.ClientURL()
	srv.Shutdown()
	srv.WaitForShutdown()
	_, err := jetstream.Connect(t.Context(), jetstream.ExternalOptions{URL: url})
	jetstreamtest.WantKind(t, err, hearth.ErrUnavailable)
}
