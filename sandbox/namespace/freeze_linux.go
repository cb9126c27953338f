package namespace

import "github.com/hearthd/hearth/sandbox"

// Freeze stops all processes but pid 1, and returns when all are stopped.
// Without a control group it sends SIGSTOP to all at once, which parents of
// other processes may notice.
func (b *box) Freeze() error {
	if b.inner {
		return b.unlessGone(b.group.Freeze())
	}
	return b.init.Stop()
}

// Thaw lets them continue.
func (b *box) Thaw() error {
	if b.inner {
		return b.unlessGone(b.group.Thaw())
	}
	return b.init.Continue()
}

// unlessGone replaces an error by ErrClosed when the sandbox is gone, and its
// control group with it.
func (b *box) unlessGone(err error) error {
	if err == nil {
		return nil
	}
	select {
	case <-b.init.Done():
		return sandbox.ErrClosed
	default:
		return err
	}
}
