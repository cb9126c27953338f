package headerlimit_test

import (
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/hearthd/hearth/runtimeapi/headerlimit"
)

// wire is a connection that always has more of the same to read.
type wire struct {
	net.Conn
	text string
}

func (w wire) Read(p []byte) (int, error) { return copy(p, w.text), nil }
func (w wire) Close() error               { return nil }

// wires is a listener that accepts them.
type wires struct {
	net.Listener
	text string
}

func (l wires) Accept() (net.Conn, error) { return wire{text: l.text}, nil }

func accept(t *testing.T, l *headerlimit.Listener) *headerlimit.Conn {
	t.Helper()
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	return c.(*headerlimit.Conn)
}

// fill reads from a connection until it fails, or that often.
func fill(c *headerlimit.Conn, times int) error {
	buf := make([]byte, 64<<10)
	for range times {
		if _, err := c.Read(buf); err != nil {
			return err
		}
	}
	return nil
}

var long = strings.Repeat("x", 64<<10)

const most = headerlimit.Max / (64 << 10) // reads of long

func TestRead_BeyondMax_Fails(t *testing.T) {
	l := headerlimit.Listen(wires{text: long})
	a, b := accept(t, l), accept(t, l)
	if err := fill(a, most/2); err != nil {
		t.Fatal(err)
	}
	if err := fill(b, most/2); err != nil {
		t.Errorf("up to the limit: %v", err)
	}
	if err := fill(b, 1); !errors.Is(err, headerlimit.ErrExceeded) {
		t.Errorf("beyond the limit: %v", err)
	}
}

func TestRead_ShortLines_CostMore(t *testing.T) {
	l := headerlimit.Listen(wires{text: strings.Repeat("x:\n", 20<<10)})
	if err := fill(accept(t, l), 4); !errors.Is(err, headerlimit.ErrExceeded) {
		t.Errorf("80,000 lines: %v", err)
	}
}

func TestRead_Body_CostsNothing(t *testing.T) {
	c := accept(t, headerlimit.Listen(wires{text: long}))
	c.Begin()
	if err := fill(c, 2*most); err != nil {
		t.Error(err)
	}
}

func TestEnd_GivesBackWhatTheRequestCost(t *testing.T) {
	c := accept(t, headerlimit.Listen(wires{text: long}))
	for range 3 {
		if err := fill(c, most); err != nil {
			t.Fatal(err)
		}
		c.Begin()
		c.End()
	}
}

func TestClose_GivesBackWhatWasHeld(t *testing.T) {
	l := headerlimit.Listen(wires{text: long})
	for range 3 {
		c := accept(t, l)
		if err := fill(c, most); err != nil {
			t.Fatal(err)
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
