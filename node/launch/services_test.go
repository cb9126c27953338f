package launch

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"testing"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/sandbox"
	"github.com/hearthd/hearth/sandbox/mem"
	"github.com/hearthd/hearth/telemetry/logs"
)

// deaf is a sandbox in whose network nothing can be listened to.
type deaf struct{ *mem.Sandbox }

func (deaf) ListenPacket(context.Context, int) (net.PacketConn, string, error) {
	return nil, "", errors.New("no room for a port")
}

// outside is a sandbox whose network is not to be had: it is no sandbox.Inside.
type outside struct{ sandbox.Sandbox }

// noLog is a log stream that keeps nothing.
type noLog struct{ logs.Sink }

func (noLog) Name() string { return "stream" }

type noTraces struct{}

func (noTraces) Add([]byte) {}

// attached attaches services with traces to a sandbox in memory that wrap makes
// something of, and returns where its X-Ray daemon is and what was logged.
func attached(t *testing.T, wrap func(*mem.Sandbox) sandbox.Sandbox) (address, logged string) {
	t.Helper()
	driver := mem.New(mem.Options{})
	box, err := driver.Create(t.Context(), sandbox.Spec{ID: "box"})
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	l := &Launcher{opts: Options{Traces: noTraces{}, Logger: slog.New(slog.NewTextHandler(&log, nil))}}
	s := l.newServices(t.Context(), &hearth.Function{}, noLog{}, logs.Runtime{})
	address = s.Attach(t.Context(), wrap(box.(*mem.Sandbox)))
	s.Close()
	s.Close() // which is nothing
	if err := driver.Close(); err != nil {
		t.Error(err)
	}
	return address, log.String()
}

func TestAttach_NoPort_IsAnEnvironmentWithoutXRay(t *testing.T) {
	address, logged := attached(t, func(box *mem.Sandbox) sandbox.Sandbox { return deaf{box} })
	if address != "" || !strings.Contains(logged, "no room for a port") {
		t.Errorf("%q: %s", address, logged)
	}
}

func TestAttach_NetworkThatIsNotToBeHad(t *testing.T) {
	address, logged := attached(t, func(box *mem.Sandbox) sandbox.Sandbox { return outside{box} })
	if address != "" || logged != "" {
		t.Errorf("%q: %s", address, logged)
	}
}

func TestAttach_Port_IsWhereTheDaemonIs(t *testing.T) {
	if address, logged := attached(t, func(box *mem.Sandbox) sandbox.Sandbox { return box }); address != "169.254.100.1:2000" || logged != "" {
		t.Errorf("%q: %s", address, logged)
	}
}
