package journal

import (
	"context"
	"fmt"

	"github.com/hearthd/hearth/internal/failpoint"
)

// request is a Commit that waits for its entry to be on disk.
type request struct {
	ops  []Op
	size int
	done chan error // capacity 1
}

// Commit makes changes durable, all or none, and returns when they are. ctx
// bounds the wait to be taken in; what was taken in is waited for. Errors:
// ErrClosed, ctx's cause, and what kept the log from being written, after
// which the changes may show themselves at the next Open.
func (j *Journal) Commit(ctx context.Context, ops ...Op) error {
	r := &request{ops: ops, done: make(chan error, 1)}
	for i := range ops {
		r.size += ops[i].size()
	}
	select {
	case <-j.closing:
		return ErrClosed
	default:
	}
	select {
	case j.requests <- r:
	case <-j.closing:
		return ErrClosed
	case <-ctx.Done():
		return fmt.Errorf("commit: %w", context.Cause(ctx))
	}
	select {
	case err := <-r.done:
		return err
	case <-j.closed:
		select {
		case err := <-r.done:
			return err
		default:
			return ErrClosed // the committer had ended before it came
		}
	}
}

// Close writes what was taken in, trims the log and ends the committer. It may
// be called again.
func (j *Journal) Close() {
	j.once.Do(func() { close(j.closing) })
	<-j.closed
	j.trims.Wait()
}

// commitAll is the committer.
func (j *Journal) commitAll() {
	defer close(j.closed)
	defer j.trim(0)
	var next *request // did not fit into the last entry
	for {
		first := next
		if next = nil; first == nil {
			select {
			case first = <-j.requests:
			case <-j.closing:
				select { // what came before Close
				case first = <-j.requests:
				default:
					return
				}
			}
		}
		group := []*request{first}
		size := first.size
	gather:
		for size < j.opts.MaxGroup {
			select {
			case r := <-j.requests:
				if size+r.size > j.opts.MaxGroup {
					next = r
					break gather
				}
				group, size = append(group, r), size+r.size
			default:
				break gather
			}
		}
		err := j.write(group, size)
		for _, r := range group {
			r.done <- err
		}
		j.trim(j.opts.TrimAt)
	}
}

// write appends one entry for a group and applies it.
func (j *Journal) write(group []*request, size int) error {
	ops := j.carry()
	carried := uint64(len(ops))
	for i := range ops {
		size += ops[i].size()
	}
	for _, r := range group {
		ops = append(ops, r.ops...)
	}
	entry := append(make([]byte, 0, 1+size), version)
	for i := range ops {
		entry = appendOp(entry, &ops[i])
	}
	failpoint.Hit("journal/append")
	number, err := j.opts.Log.Append(j.ctx, entry)
	failpoint.Hit("journal/appended")
	j.mu.Lock()
	defer j.mu.Unlock()
	if err != nil {
		j.stats.Failures++
		return fmt.Errorf("write journal: %w", err)
	}
	j.stats.Entries++
	j.stats.Commits += uint64(len(group))
	j.stats.Carried += carried
	j.applyLocked(number, len(entry), ops)
	return nil
}

// carry returns the live records of the oldest entry, to be written again,
// when too much of the log is kept for them.
func (j *Journal) carry() []Op {
	j.mu.Lock()
	waste := j.bytes - j.live
	if waste <= j.opts.Slack || waste <= j.live || len(j.segments) == 0 {
		j.mu.Unlock()
		return nil
	}
	oldest := j.segments[0].number
	j.mu.Unlock()
	entry, err := j.opts.Log.Read(j.ctx, oldest)
	if err != nil {
		j.opts.Logger.Warn("make room in the journal", "entry", oldest, "error", err)
		return nil
	}
	failpoint.Hit("journal/carry")
	j.mu.Lock()
	defer j.mu.Unlock()
	latest := map[string]Op{} // an entry may put a record twice
	var order []string
	err = decode(entry, func(o Op) {
		it := j.items[o.ID]
		if o.Kind != Put || it == nil || it.segment.number != oldest {
			return
		}
		if it.state != nil {
			o.State = it.state
		}
		if _, seen := latest[o.ID]; !seen {
			order = append(order, o.ID)
		}
		latest[o.ID] = o
	})
	if err != nil {
		j.opts.Logger.Warn("make room in the journal", "entry", oldest, "error", err)
		return nil
	}
	ops := make([]Op, 0, len(order))
	for _, id := range order {
		ops = append(ops, latest[id])
	}
	return ops
}

// trim removes the dead beginning of the log, in the background, once it has
// so many bytes.
func (j *Journal) trim(atLeast int) {
	j.mu.Lock()
	before := j.trimPointLocked(atLeast)
	j.mu.Unlock()
	if before == 0 {
		return
	}
	j.trims.Go(func() { // Close waits for it
		failpoint.Hit("journal/trim")
		err := j.opts.Log.Trim(j.ctx, before)
		failpoint.Hit("journal/trimmed")
		j.mu.Lock()
		defer j.mu.Unlock()
		j.trimming = false
		if err != nil {
			j.opts.Logger.Warn("trim the journal", "before", before, "error", err)
			return
		}
		j.stats.Trimmed++
	})
}

// trimPointLocked returns the number before which the log is dead, and takes
// it for trimmed; 0 when there is too little or a Trim is under way.
func (j *Journal) trimPointLocked(atLeast int) uint64 {
	if j.trimming || len(j.segments) == 0 {
		return 0
	}
	first := j.segments[0]
	before, dead := first.number, j.dead
	if first.live == 0 { // it is the last, too
		before, dead = before+1, dead+first.bytes
	}
	if dead <= atLeast {
		return 0
	}
	if first.live == 0 {
		j.bytes, j.segments = 0, nil
	}
	j.dead, j.trimming = 0, true
	return before
}
