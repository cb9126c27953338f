package extensions_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/hearthd/hearth/sandbox"
	"github.com/hearthd/hearth/test/compile"
)

// aws-lambda-go's WithEnableSIGTERM is an internal extension without events.
func TestGoClient_SIGTERM_HasHalfASecond(t *testing.T) {
	t.Parallel()
	program := filepath.Join(t.TempDir(), "bootstrap")
	if err := compile.Program(t.Context(), "test/compat/extensions/sigterm", program); err != nil {
		t.Fatal(err)
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
