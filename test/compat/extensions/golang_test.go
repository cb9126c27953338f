package extensions_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/hearthd/hearth/sandbox"
)

// aws-lambda-go's WithEnableSIGTERM is an internal extension without events.
func TestGoClient_SIGTERM_HasHalfASecond(t *testing.T) {
	t.Parallel()
	program := filepath.Join(t.TempDir(), "bootstrap")
	build := exec.Command("go", "build", "-o", program, "./sigterm")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	inEachSandbox(t, func(t *testing.T, driver sandbox.Driver) {
		x := openRuntime(t, driver, program, "")
		got, _, _ := x.invoke("id-1", `"it"`)
		x.want(got, `"got it"`)
		x.wantLog("EXTENSION\tName: GoLangEnableSIGTERM\tState: Ready\tEvents: []",
			"START RequestId: id-1 Version: $LATEST", "END RequestId: id-1", report("id-1", "\tInit Duration: N\t"))
		began := time.Now()
		if err := x.Close(); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("took %v", took)
		}
		x.wantLog("function: SIGTERM")
	})
}
