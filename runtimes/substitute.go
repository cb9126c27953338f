package runtimes

import (
	"fmt"
	"strings"
)

// Substitutes says which runtime serves another: asked for -> used instead.
type Substitutes map[string]string

// ParseSubstitutes reads the form of --runtime-map:
// "nodejs24.x=nodejs20.x,python3.14=python3.13". The names must be Lambda's,
// those on the right must be served, both of one family, and no name may be
// both substituted and a substitute.
func ParseSubstitutes(s string) (Substitutes, error) {
	subs := Substitutes{}
	for pair := range strings.SplitSeq(s, ",") {
		pair = strings.TrimSpace(pair)
		if pair == "" {
			continue
		}
		from, to, ok := strings.Cut(pair, "=")
		if !ok {
			return nil, fmt.Errorf("runtime map %q: want ASKED=USED, as in nodejs24.x=nodejs20.x", pair)
		}
		from, to = strings.TrimSpace(from), strings.TrimSpace(to)
		if _, dup := subs[from]; dup {
			return nil, fmt.Errorf("runtime map: %s is mapped twice", from)
		}
		subs[from] = to
	}
	if err := subs.Validate(); err != nil {
		return nil, err
	}
	return subs, nil
}

// Validate checks what ParseSubstitutes promises, for maps from elsewhere.
func (s Substitutes) Validate() error {
	for from, to := range s {
		f, ok := Lookup(from)
		if !ok {
			return fmt.Errorf("runtime map: %q is not a Lambda runtime", from)
		}
		t, err := Servable(to)
		if err != nil {
			return fmt.Errorf("runtime map: %s=%s: %w", from, to, err)
		}
		if f.Family != t.Family {
			return fmt.Errorf("runtime map: %s cannot serve %s: another language", to, from)
		}
		if _, chained := s[to]; chained {
			return fmt.Errorf("runtime map: %s is both a substitute and substituted", to)
		}
	}
	return nil
}
