package pool

import (
	"testing"

	"github.com/hearthd/hearth"
)

func named(function string) hearth.Name {
	return hearth.Name{Account: "123456789012", Region: "eu-west-1", Function: function}
}

// admitted counts how much more load a function may have.
func admitted(l *ledger, b *books) (n int, why *hearth.Throttle) {
	for why = l.admit(b, 0); why == nil; why = l.admit(b, 0) {
		b.addLoad(1)
		n++
	}
	b.addLoad(-n)
	return n, why
}

func expectAdmitted(t *testing.T, l *ledger, b *books, want int, reason string) {
	t.Helper()
	got, why := admitted(l, b)
	if got != want || why.Reason != reason {
		t.Errorf("%s: admits %d, then %s; want %d, then %s", b.name.Function, got, why.Reason, want, reason)
	}
	if told := why.RetryAfter > 0; told != (reason == hearth.ThrottleConcurrency) {
		t.Errorf("to be tried again after %s", why.RetryAfter)
	}
}

func TestLedger_FunctionsShareTheLimit(t *testing.T) {
	l := newLedger(10)
	f, g := l.open(named("f")), l.open(named("g"))
	f.addLoad(4)
	expectAdmitted(t, l, g, 6, hearth.ThrottleConcurrency)
	expectAdmitted(t, l, f, 6, hearth.ThrottleConcurrency)
}

func TestLedger_RegionsAndAccountsAreApart(t *testing.T) {
	l := newLedger(10)
	l.open(named("f")).addLoad(10)
	there, other := named("f"), named("f")
	there.Region, other.Account = "us-east-1", "210987654321"
	expectAdmitted(t, l, l.open(there), 10, hearth.ThrottleConcurrency)
	expectAdmitted(t, l, l.open(other), 10, hearth.ThrottleConcurrency)
}

func TestLedger_Reserve_IsOnesOwnAndTheMost(t *testing.T) {
	l := newLedger(10)
	f, g := l.open(named("f")), l.open(named("g"))
	f.addLoad(2)
	l.reserve(f.name, &hearth.ReservedConcurrency{Executions: 3})
	expectAdmitted(t, l, f, 1, hearth.ThrottleReservedConcurrency)
	expectAdmitted(t, l, g, 7, hearth.ThrottleConcurrency)
	l.reserve(f.name, &hearth.ReservedConcurrency{Executions: 0})
	expectAdmitted(t, l, f, 0, hearth.ThrottleReservedConcurrency)
	expectAdmitted(t, l, g, 10, hearth.ThrottleConcurrency)
	l.reserve(f.name, nil)
	expectAdmitted(t, l, g, 8, hearth.ThrottleConcurrency)
}

func TestLedger_Provisioned_IsTakenWhetherUsedOrNot(t *testing.T) {
	l := newLedger(10)
	f, g := l.open(named("f")), l.open(named("g"))
	f.addProvisioned(4)
	expectAdmitted(t, l, g, 6, hearth.ThrottleConcurrency)
	l.reserve(f.name, &hearth.ReservedConcurrency{Executions: 5})
	expectAdmitted(t, l, f, 1, hearth.ThrottleReservedConcurrency)
	expectAdmitted(t, l, g, 5, hearth.ThrottleConcurrency)
	f.addProvisioned(-4)
	expectAdmitted(t, l, f, 5, hearth.ThrottleReservedConcurrency)
}

func TestLedger_ProvisionedThatIsFreeSoon_WillDo(t *testing.T) {
	l := newLedger(1)
	f := l.open(named("f"))
	f.addProvisioned(1)
	if l.admit(f, 0) == nil || l.admit(f, 1) != nil {
		t.Error("shared")
	}
	l.reserve(f.name, &hearth.ReservedConcurrency{Executions: 1})
	if l.admit(f, 0) == nil || l.admit(f, 1) != nil {
		t.Error("reserved")
	}
}

func TestLedger_BooksThatSayNothing_AreForgotten(t *testing.T) {
	l := newLedger(10)
	f := l.open(named("f"))
	if l.open(f.name) != f {
		t.Error("books are opened twice")
	}
	l.close(f)
	l.reserve(f.name, &hearth.ReservedConcurrency{Executions: 1})
	l.close(f)
	if len(l.functions) != 1 {
		t.Error("a reserve is forgotten")
	}
	if l.reserve(f.name, nil); len(l.functions)+len(l.accounts) != 0 {
		t.Errorf("left: %d functions, %d accounts", len(l.functions), len(l.accounts))
	}
	f = l.open(f.name)
	f.addProvisioned(1)
	l.close(f)
	if len(l.functions) != 1 {
		t.Error("what is provisioned is forgotten")
	}
}

func TestLedger_NoBooks_CountNothing(t *testing.T) {
	l := newLedger(10)
	var none *books
	none.addLoad(3)
	none.addProvisioned(3)
	l.close(none)
	expectAdmitted(t, l, l.open(named("f")), 10, hearth.ThrottleConcurrency)
}
