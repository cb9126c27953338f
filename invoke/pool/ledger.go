package pool

import (
	"time"

	"github.com/hearthd/hearth"
)

// ledger shares out the concurrency of accounts. Each function has books in it,
// for all its versions together:
//
//	account limit ─┬─ reserved by functions: a function's own, and the most that it gets
//	               └─ what is left, shared by all others
//
// Out of either, the provisioned concurrency that was requested for the function's
// versions is taken first, whether it is used or not, and then its load. A ledger
// knows nothing of environments; it is guarded by its owner's lock.
type ledger struct {
	limit     int // of each account and region
	functions map[hearth.Name]*books
	accounts  map[accountKey]*account
}

// accountKey is where concurrency is shared out.
type accountKey struct{ account, region string }

// account is one account and region.
type account struct {
	reserved  int // by its functions
	load      int // of the functions that reserve nothing, with their provisioned concurrency
	functions int // that have books
}

// books are those of one function.
type books struct {
	name    hearth.Name
	account *account
	// load is the concurrency in use: invocations that are in progress or wait,
	// without those on provisioned environments and those that are about to be over.
	load        int
	provisioned int // requested
	reserved    int // noReserve: none
	holders     int // who has opened the books
}

// noReserve is the reserve of functions that share what is left.
const noReserve = -1

// retryAfter is what callers who are throttled are told to wait. AWS does not
// tell those who find a function's own concurrency used up.
const retryAfter = time.Second

func newLedger(limit int) *ledger {
	return &ledger{limit: limit, functions: map[hearth.Name]*books{}, accounts: map[accountKey]*account{}}
}

// open returns the books of a function, until close.
func (l *ledger) open(name hearth.Name) *books {
	b := l.booksOf(name)
	b.holders++
	return b
}

// close is for who has opened books and adds nothing to them any more. b may be
// nil.
func (l *ledger) close(b *books) {
	if b != nil {
		b.holders--
		l.drop(b)
	}
}

// booksOf finds or makes the books of a function.
func (l *ledger) booksOf(name hearth.Name) *books {
	b := l.functions[name]
	if b == nil {
		key := accountKey{name.Account, name.Region}
		a := l.accounts[key]
		if a == nil {
			a = &account{}
			l.accounts[key] = a
		}
		a.functions++
		b = &books{name: name, account: a, reserved: noReserve}
		l.functions[name] = b
	}
	return b
}

// drop forgets books that nobody holds and that say nothing.
func (l *ledger) drop(b *books) {
	if b.holders > 0 || b.reserved != noReserve || b.provisioned > 0 || l.functions[b.name] != b {
		return
	}
	delete(l.functions, b.name)
	if b.account.functions--; b.account.functions == 0 {
		delete(l.accounts, accountKey{b.name.Account, b.name.Region})
	}
}

// reserve sets the reserved concurrency of a function; nil: none.
func (l *ledger) reserve(name hearth.Name, reserved *hearth.ReservedConcurrency) {
	b := l.booksOf(name)
	if b.reserved == noReserve {
		b.account.load -= b.load + b.provisioned
	} else {
		b.account.reserved -= b.reserved
	}
	if b.reserved = noReserve; reserved != nil {
		b.reserved = reserved.Executions
		b.account.reserved += b.reserved
	} else {
		b.account.load += b.load + b.provisioned
	}
	l.drop(b)
}

// admit says why one more of a function's load is too much; nil when it is not.
// soon is how many of the function's provisioned environments are free in a
// moment: one of those will do.
func (l *ledger) admit(b *books, soon int) *hearth.Throttle {
	switch {
	case b.reserved != noReserve:
		if b.load+b.provisioned-soon < b.reserved {
			return nil
		}
		return &hearth.Throttle{Reason: hearth.ThrottleReservedConcurrency}
	case b.account.load-soon < l.limit-b.account.reserved:
		return nil
	}
	return &hearth.Throttle{Reason: hearth.ThrottleConcurrency, RetryAfter: retryAfter}
}

// addLoad changes the load of a function. b may be nil: it is not counted.
func (b *books) addLoad(n int) {
	if b == nil || n == 0 {
		return
	}
	b.load += n
	if b.reserved == noReserve {
		b.account.load += n
	}
}

// addProvisioned changes the provisioned concurrency that was requested for a
// function. b may be nil: it is not counted.
func (b *books) addProvisioned(n int) {
	if b == nil {
		return
	}
	b.provisioned += n
	if b.reserved == noReserve {
		b.account.load += n
	}
}
