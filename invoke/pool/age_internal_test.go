package pool

import (
	"testing"
	"time"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func TestAges_Unbounded_NeverEnds(t *testing.T) {
	a := ages{unused: time.Minute}
	age := a.born(noon)
	if at := age.next(eventUnused | eventSuccessor | eventEnd); !at.IsZero() {
		t.Errorf("something is due at %s", at)
	}
	if age.due(noon.AddDate(100, 0, 0), eventEnd|eventSuccessor) {
		t.Error("it ends")
	}
}

func TestAges_SuccessorIsDueAnEighthAhead(t *testing.T) {
	a := ages{max: 8 * time.Hour}
	age := a.born(noon)
	for _, c := range []struct {
		after time.Duration
		want  event
	}{
		{7*time.Hour - 1, 0}, {7 * time.Hour, eventSuccessor}, {8*time.Hour - 1, eventSuccessor}, {8 * time.Hour, eventSuccessor | eventEnd},
	} {
		var got event
		for _, e := range []event{eventUnused, eventSuccessor, eventEnd} {
			if age.due(noon.Add(c.after), e) {
				got |= e
			}
		}
		if got != c.want {
			t.Errorf("after %s: %b, want %b", c.after, got, c.want)
		}
	}
}

func TestAges_AreSpreadOverATenth(t *testing.T) {
	a := ages{max: 160 * time.Minute}
	seen := map[time.Duration]bool{}
	for range 3 * ageSteps {
		age := a.born(noon)
		lives := age.end.Sub(noon)
		if lives > a.max || lives <= a.max-a.max/10 {
			t.Errorf("one lives for %s", lives)
		}
		seen[lives] = true
	}
	if len(seen) != ageSteps {
		t.Errorf("%d different ages", len(seen))
	}
}

func TestAge_RestBeginsAnewWithEachUse(t *testing.T) {
	a := ages{unused: time.Minute}
	age := a.born(noon)
	a.rest(&age, noon)
	a.rest(&age, noon.Add(40*time.Second))
	if age.due(noon.Add(99*time.Second), eventUnused) || !age.due(noon.Add(100*time.Second), eventUnused) {
		t.Errorf("unused at %s", age.unused)
	}
}

func TestAge_NextIsTheSoonestThatMatters(t *testing.T) {
	age := age{unused: noon.Add(3), successor: noon.Add(1), end: noon.Add(2)}
	for of, want := range map[event]time.Time{
		0: {}, eventUnused: age.unused, eventUnused | eventEnd: age.end, eventUnused | eventSuccessor | eventEnd: age.successor,
	} {
		if got := age.next(of); !got.Equal(want) {
			t.Errorf("of %b: %s, want %s", of, got, want)
		}
	}
}
