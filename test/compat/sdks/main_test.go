// Package sdks_test has stock AWS clients tell the whole life of a function:
// create, invoke in every way, update, publish, route, limit, refuse, delete.
// Each client tells it in a script of its own language, with its own waiters,
// paginators and exceptions, and prints what it sees. All must print the same,
// which is testdata/life.txt:
//
//	testdata/boto3/life.py ─┐
//	testdata/awscli/life.sh ┼─► hearth serve [--auth] ─► what they print == life.txt
//	testdata/javascript/... ┤
//	testdata/java/...      ─┤
//	testdata/rust/...      ─┘
//
// The SDK for Go has its tests in test/compat/control and test/e2e. A client
// that is not on this machine fails its test (scripts/install-test-deps
// installs those of Python and JavaScript), but for those of Java and Rust: they
// are skipped where there is no JDK with Maven, no cargo.
package sdks_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/hearthd/hearth/test/compat/daemon"
)

// The access key of the daemon that asks for signatures.
const (
	accessKey = "AKIALIFE"
	secretKey = "a-secret-for-the-life-of-a-function"
)

// suite is what the tests of this package share.
type suite struct {
	open, auth *daemon.Daemon // without and with --auth
	archives   string         // directory of first.zip, second.zip and layer.zip
}

var theSuite suite

func TestMain(m *testing.M) {
	code, err := theSuite.run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "sdks:", err)
		code = 1
	}
	os.Exit(code)
}

func (s *suite) run(m *testing.M) (code int, err error) {
	dir, err := os.MkdirTemp("", "hearth-sdks-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	s.archives = filepath.Join(dir, "archives")
	if err := writeArchives(s.archives); err != nil {
		return 0, err
	}
	binary, err := daemon.Build(context.Background(), dir)
	if err != nil {
		return 0, err
	}
	keys := filepath.Join(dir, "keys.yaml")
	key := fmt.Sprintf("access-keys:\n- {access-key-id: %s, secret-access-key: %s, account: %q}\n", accessKey, secretKey, "000000000000")
	if err := os.WriteFile(keys, []byte(key), 0o600); err != nil {
		return 0, err
	}
	if s.open, err = daemon.Start(binary, daemon.Options{Dir: filepath.Join(dir, "open")}); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, s.open.Stop()) }()
	s.auth, err = daemon.Start(binary, daemon.Options{Dir: filepath.Join(dir, "auth"), Flags: []string{"--auth", "--credentials", keys}})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, s.auth.Stop()) }()
	if code = m.Run(); code != 0 {
		fmt.Printf("log of the daemon:\n%s\nand with --auth:\n%s", s.open.Log(), s.auth.Log())
	}
	return code, nil
}
