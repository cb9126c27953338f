package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// model is a botocore service description: the parts that the generator uses.
type model struct {
	Operations map[string]*operation `json:"operations"`
	Shapes     map[string]*shape     `json:"shapes"`
}

type operation struct {
	Name   string    `json:"name"`
	HTTP   httpTrait `json:"http"`
	Input  *ref      `json:"input"`
	Output *ref      `json:"output"`
	// Also names a hand-written check of package api that runs after the
	// model's own constraints. Overlay only.
	Also string `json:"also"`
}

type httpTrait struct {
	Method       string `json:"method"`
	RequestURI   string `json:"requestUri"`
	ResponseCode int    `json:"responseCode"`
}

type ref struct {
	Shape string `json:"shape"`
}

type shape struct {
	Type        string      `json:"type"`
	Members     members     `json:"members"`
	Required    []string    `json:"required"`
	Payload     string      `json:"payload"`
	Member      *ref        `json:"member"`
	Key         *ref        `json:"key"`
	Value       *ref        `json:"value"`
	Enum        []string    `json:"enum"`
	Min         json.Number `json:"min"`
	Max         json.Number `json:"max"`
	Pattern     string      `json:"pattern"`
	Sensitive   bool        `json:"sensitive"`
	Exception   bool        `json:"exception"`
	Fault       bool        `json:"fault"`
	EventStream bool        `json:"eventstream"`
	Error       struct {
		Status int `json:"httpStatusCode"`
	} `json:"error"`

	// What only the overlay knows.
	Shown     []string `json:"shown"`     // enum values in the order that AWS's messages print
	NotNull   bool     `json:"notNull"`   // messages list "Member must not be null" for elements
	Plain     bool     `json:"plain"`     // messages print the element's constraint without a list around it
	First     []string `json:"first"`     // members that AWS checks before the others
	Predicate string   `json:"predicate"` // hand-written matcher for a pattern that Go's regexp cannot run
	Quick     string   `json:"quick"`     // hand-written matcher of the common case, tried before the pattern
}

// members keeps the order of the model: AWS reports violations in it.
type members []member

type member struct {
	Name         string `json:"-"`
	Shape        string `json:"shape"`
	Location     string `json:"location"`
	LocationName string `json:"locationName"`
}

// UnmarshalJSON reads an object of members in its written order.
func (m *members) UnmarshalJSON(data []byte) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	if _, err := dec.Token(); err != nil {
		return fmt.Errorf("read members: %w", err)
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return fmt.Errorf("read a member's name: %w", err)
		}
		one := member{Name: fmt.Sprint(key)}
		if err := dec.Decode(&one); err != nil {
			return fmt.Errorf("read member %s: %w", one.Name, err)
		}
		*m = append(*m, one)
	}
	return nil
}

func (m members) find(name string) *member {
	for i := range m {
		if m[i].Name == name {
			return &m[i]
		}
	}
	return nil
}

// merge lays an overlay over the model: operations and shapes that the model
// lacks are added, and of those it has, every field that the overlay sets wins;
// members and enum values are added to the model's.
func (m *model) merge(over *model) error {
	for name, op := range over.Operations {
		have, ok := m.Operations[name]
		switch {
		case !ok:
			m.Operations[name] = op
		case op.Input != nil || op.Output != nil || op.HTTP.Method != "":
			return fmt.Errorf("overlay: operation %s is in the model already", name)
		default:
			have.Also = op.Also
		}
	}
	for name, s := range over.Shapes {
		have, ok := m.Shapes[name]
		if !ok {
			m.Shapes[name] = s
			continue
		}
		have.override(s)
	}
	return m.check()
}

func (s *shape) override(over *shape) {
	set(&s.Pattern, over.Pattern)
	set(&s.Min, over.Min)
	set(&s.Max, over.Max)
	set(&s.Member, over.Member)
	set(&s.NotNull, over.NotNull)
	set(&s.Plain, over.Plain)
	set(&s.Predicate, over.Predicate)
	set(&s.Quick, over.Quick)
	s.Enum = union(s.Enum, over.Enum)
	if over.First != nil {
		s.First = over.First
	}
	if over.Shown != nil {
		s.Shown = over.Shown
	}
	for _, m := range over.Members {
		if have := s.Members.find(m.Name); have != nil {
			set(&have.Shape, m.Shape)
			continue
		}
		s.Members = append(s.Members, m)
	}
}

func set[T comparable](have *T, over T) {
	var zero T
	if over != zero {
		*have = over
	}
}

// check makes sure that every name refers to something, so that the emitters
// need not.
func (m *model) check() error {
	var errs []error
	need := func(from, to string) {
		if _, ok := m.Shapes[to]; !ok {
			errs = append(errs, fmt.Errorf("%s refers to unknown shape %q", from, to))
		}
	}
	for name, op := range m.Operations {
		if op.Input == nil {
			errs = append(errs, fmt.Errorf("operation %s has no input", name))
			continue
		}
		need(name, op.Input.Shape)
		if op.Output != nil {
			need(name, op.Output.Shape)
		}
	}
	for name, s := range m.Shapes {
		for _, mem := range s.Members {
			need(name+"."+mem.Name, mem.Shape)
		}
		for _, r := range []*ref{s.Member, s.Key, s.Value} {
			if r != nil {
				need(name, r.Shape)
			}
		}
	}
	return errors.Join(errs...)
}
