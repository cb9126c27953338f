//go:build failpoint

package failpoint

import (
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
)

// Enabled says whether this program was built to die at failpoints.
const Enabled = true

// Variable is the environment variable that arms one failpoint: NAME:N for its
// N-th hit.
const Variable = "HEARTH_FAILPOINT"

// point is the armed failpoint; the zero value never fires.
type point struct {
	name string
	left *atomic.Int64
}

// armed reads the environment once. Only programs of the crash tests have it.
var armed = sync.OnceValue(func() point {
	name, count, _ := strings.Cut(os.Getenv(Variable), ":") //nolint:forbidigo // in test builds only
	n, err := strconv.ParseInt(count, 10, 64)
	if err != nil {
		return point{}
	}
	p := point{name: name, left: new(atomic.Int64)}
	p.left.Store(n)
	return p
})

// Hit is a step at which a crash would matter.
func Hit(name string) {
	if p := armed(); p.left != nil && p.name == name && p.left.Add(-1) == 0 {
		_ = syscall.Kill(syscall.Getpid(), syscall.SIGKILL)
		select {} // the signal arrives in a moment; nothing may happen until then
	}
}
