package clients_test

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hearthd/hearth/test/compat/cache"
	"github.com/hearthd/hearth/test/compat/fetch"
)

// pointToSDKs tells the daemons of the tests where AWS's SDKs are.
func pointToSDKs() error {
	root, err := cache.Root()
	if err != nil {
		return err
	}
	return os.Setenv("HEARTH_SDK_DIR", filepath.Join(root, "sdk"))
}

// AWS's SDKs come from where `hearth runtimes install` puts them, to functions
// that package nothing.

func TestSDK_Python(t *testing.T) {
	t.Parallel()
	python, missing := fetch.Visible("python3")
	toolchains.Require(t, missing)
	version := fetch.Run(t, ".", nil, python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])")
	if _, err := os.Stat(filepath.Join(os.Getenv("HEARTH_SDK_DIR"), "python"+version)); err != nil {
		fetch.Run(t, ".", nil, hearthBinary, "runtimes", "install", "python")
	}
	signsLink(t, "testdata/sdk-python", "app.handler", "python"+version, "/var/runtime/boto3/__init__.py")
}

func TestSDK_Node(t *testing.T) {
	t.Parallel()
	node, missing := fetch.Visible("node")
	toolchains.Require(t, missing, fetch.Installed("npm"))
	version := fetch.Run(t, ".", nil, node, "--version")
	major, _, _ := strings.Cut(strings.TrimPrefix(version, "v"), ".")
	if _, err := os.Stat(filepath.Join(os.Getenv("HEARTH_SDK_DIR"), "nodejs")); err != nil {
		fetch.Run(t, ".", nil, hearthBinary, "runtimes", "install", "node")
	}
	for _, handler := range []string{"imported.handler", "required.handler"} {
		signsLink(t, "testdata/sdk-node", handler, "nodejs"+major+".x", "/var/runtime/node_modules")
	}
}

// signsLink expects a function to sign a link to an object with the credentials
// and the region of its environment, by an SDK from there.
func signsLink(t *testing.T, source, handler, runtime, from string) {
	t.Helper()
	fn, err := sandboxed.tryDeploy(t, fetch.Assemble(t, source), handler, runtime, timeoutSeconds)
	if err != nil {
		t.Fatal(err)
	}
	got := decode[struct{ Link, Key, From string }](t, fn.succeed(t, `{}`))
	link, err := url.Parse(got.Link)
	if err != nil {
		t.Fatal(err)
	}
	want := got.Key + "/"
	if credential := link.Query().Get("X-Amz-Credential"); got.Key == "" || !strings.HasPrefix(credential, want) || !strings.Contains(credential, "/us-east-1/s3/") {
		t.Errorf("%s: the credential of %s does not begin with %s", handler, link, want)
	}
	if got.From != from {
		t.Errorf("%s: the SDK is in %s, want %s", handler, got.From, from)
	}
}
