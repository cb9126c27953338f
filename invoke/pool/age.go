package pool

import "time"

// Ages are spread, so that environments that came together do not go together,
// and those that would be missed are succeeded while they still work.
const (
	ageSteps  = 16 // different ages, each a hundred-and-sixtieth of the longest below the one before
	ageSpread = 10 * ageSteps
	ahead     = 8 // the last eighth is for a successor to start
)

// ages says how old environments may become.
type ages struct {
	max    time.Duration // 0: no bound
	unused time.Duration // how long an environment may be unused
	births int
}

// age is when something is to be done with one environment for the time that it
// lives or is unused. A zero time is never.
type age struct {
	unused    time.Time // it is closed, unless it has been used
	successor time.Time // a successor is started, if it would be missed
	end       time.Time // it takes no further event
}

// event is one of the times of an age, or several.
type event uint8

const (
	eventUnused event = 1 << iota
	eventSuccessor
	eventEnd
)

// born returns the age of an environment that begins to live now.
func (a *ages) born(now time.Time) (age age) {
	if a.max > 0 {
		age.end = now.Add(a.max - a.max*time.Duration(a.births%ageSteps)/ageSpread)
		age.successor = age.end.Add(-a.max / ahead)
		a.births++
	}
	return age
}

// rest notes that an environment has nothing to do from now on.
func (a *ages) rest(age *age, now time.Time) { age.unused = now.Add(a.unused) }

// next returns the first of some events; zero: never.
func (a *age) next(of event) (at time.Time) {
	if of&eventUnused != 0 {
		at = a.unused
	}
	if of&eventSuccessor != 0 {
		at = sooner(at, a.successor)
	}
	if of&eventEnd != 0 {
		at = sooner(at, a.end)
	}
	return at
}

// due reports whether it is time for one of some events.
func (a *age) due(now time.Time, of event) bool {
	at := a.next(of)
	return !at.IsZero() && !now.Before(at)
}

// sooner returns the earlier of two times; zero is never.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
