// Package control_test holds the built daemon to what AWS answers: rows of
// request and exact response, one file of testdata per subject, driven over
// plain HTTP. It prints "N passed, N failed", and fails when an operation of
// the API has no row or when no row is answered with a message of
// testdata/messages.tsv, which are recordings of the real service.
//
// A row states what AWS answers, by the contract, the recordings or the
// service model; never merely what hearth printed.
//
// # Rows
//
// A row begins with its title, then the request, then what must come back:
//
//	=== An unknown function
//	GET /2015-03-31/functions/nope
//	X-Some-Header: value
//
//	--- 404 ResourceNotFoundException
//	Content-Type: application/json
//
//	Function not found: {{arn}}:function:nope
//
// Headers, and the empty line after them, may be left out; a body follows.
// Lines that begin with "#" are comments. The rows of a file run in order, in
// a region of their own (eu-functions-1 for functions.rows), so files do not
// see each other, and run at the same time. "@serve FLAGS" before the first
// row gives a file a daemon of its own, started with those flags.
//
// Before the request line may stand "@sign ACCESSKEY SECRET [TOKEN]": the
// request is signed (SigV4). Without it the request carries a credential scope
// and a signature that is none, as the daemon without --auth accepts it.
//
// The line with the status may go on with an error code, which the header
// X-Amzn-Errortype must carry, and with "eventually": the request is sent
// again until the answer is as expected, for half a minute at most.
//
// Expected headers are those that matter; "<absent>" says that there must be
// none. The body must be the expected one: JSON is compared by value, member
// for member, all else byte for byte. An expectation without a body expects an
// empty one. After an error code, a body that does not begin with "{" is the
// message: the members around it (message or Message, Type) are those that AWS
// has for the code. Every answer must carry a request id.
//
// An event stream is compared as text, one line for its payload chunks
// together and one for each other event: "PayloadChunk: hello",
// "InvokeComplete: {}".
//
// # Macros
//
// Text in double braces is replaced, in requests (percent-encoded in a request
// line, unless that begins with the macro) and in expectations:
//
//	{{region}} {{account}}  of the file's requests
//	{{arn}}                 arn:aws:lambda:REGION:ACCOUNT
//	{{python}}              the runtime of this machine's Python, such as python3.13
//	{{zip NAME}}            base64 of an archive of testdata/archives/NAME
//	{{zip zeros:N}}         the same of an archive with one file of N zeros
//	{{zip fresh:N}}         with N zeros and some more: one that nobody has unpacked yet
//	{{sha256 NAME}}         the archive's digest, base64
//	{{size NAME}}           the archive's size in bytes
//	{{base64 TEXT}}         base64
//	{{repeat TEXT N}}       TEXT, N times
//	{{testdata}}            the absolute path of testdata
//	{{name}}                what an earlier row of the file captured as name
//
// # Placeholders
//
// Expected strings and headers may hold placeholders, alone or within text:
//
//	<any> anything       <text> something      <uuid>               <int> digits
//	<hex>                <word> [A-Za-z0-9_-]+ <sha256> base64      <arn>   <url>
//	<time> 2006-01-02T15:04:05.000+0000        <date> RFC 3339
//
// <any> alone matches any JSON value and any body, <number> a JSON number.
// <uuid=rev> captures what it matches, for {{rev}}; <uuid!=rev> must differ
// from what was captured. The member "<rest>" allows members that are not
// listed, and a list that begins with "<unordered>" has any order.
package control_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hearthd/hearth/api"
	"github.com/hearthd/hearth/test/compat/daemon"
)

// suite is what the tests of this package share.
type suite struct {
	dir    string // for data directories
	binary string
	shared *daemon.Daemon // of files without @serve
	covered
}

var theSuite suite

var binary = flag.String("binary", "", "test this `FILE` instead of building hearth")

func TestMain(m *testing.M) {
	code, err := theSuite.run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "control:", err)
		code = 1
	}
	os.Exit(code)
}

func (s *suite) run(m *testing.M) (code int, err error) {
	if s.dir, err = os.MkdirTemp("", "hearth-control-"); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(s.dir)) }()
	flag.Parse()
	if s.binary = *binary; s.binary == "" {
		if s.binary, err = daemon.Build(context.Background(), s.dir); err != nil {
			return 0, err
		}
	}
	if s.shared, err = daemon.Start(s.binary, daemon.Options{Dir: filepath.Join(s.dir, "shared")}); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, s.shared.Stop()) }()
	code = m.Run()
	if code != 0 {
		fmt.Printf("log of the daemon:\n%s", s.shared.Log())
	}
	fmt.Printf("%d passed, %d failed\n", s.passed, s.failed)
	return code, nil
}

func TestRows(t *testing.T) {
	files := rowFiles(t)
	for _, path := range files {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".rows"), func(t *testing.T) {
			t.Parallel()
			file, err := readRows(path)
			if err != nil {
				t.Fatal(err)
			}
			newRunner(t, file).run()
			theSuite.ran(path)
		})
	}
}

func rowFiles(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "*.rows"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no rows: %v", err)
	}
	slices.Sort(files)
	return files
}

// wantAll skips a test that judges all rows when only some ran.
func wantAll(t *testing.T) {
	t.Helper()
	if files := rowFiles(t); len(theSuite.files) < len(files) {
		t.Skipf("%d of %d files of rows ran", len(theSuite.files), len(files))
	}
}

func TestCoverage_EveryOperationHasARow(t *testing.T) {
	wantAll(t)
	for _, operation := range api.NewRouter(api.Options{}).Operations() {
		if !theSuite.operations[operation] {
			t.Errorf("no row for %s", operation)
		}
	}
}

func TestCoverage_EveryRecordedMessageHasARow(t *testing.T) {
	wantAll(t)
	for i, recorded := range recordedMessages(t) {
		if notHere[recorded.message] == "" && !slices.ContainsFunc(slices.Collect(maps.Values(theSuite.errors)), recorded.matches) {
			t.Errorf("no row for message %d: %s %d %.300s", i+1, recorded.code, recorded.status, recorded.message)
		}
	}
}
