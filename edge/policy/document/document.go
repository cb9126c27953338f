// Package document reads, prints and evaluates resource-based policies: the
// JSON documents that say which principal may do what with a resource. The text
// of a statement is kept as it was given.
//
// It knows the elements and condition operators that Lambda's resource policies
// use and refuses every other one: a condition that nobody checks would grant
// more than it says.
package document

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Version is the version of the policy language.
const Version = "2012-10-17"

// Document is a policy. It is a value; nobody writes to the statements of one
// that others hold.
type Document struct {
	Version    string
	ID         string // empty: it has none
	Statements []Statement
}

// Sid returns the statement with an id; nil when there is none.
func (d *Document) Sid(id string) *Statement {
	for i := range d.Statements {
		if d.Statements[i].Sid == id {
			return &d.Statements[i]
		}
	}
	return nil
}

// Without returns the document without the statement of an id.
func (d *Document) Without(id string) Document {
	rest := Document{Version: d.Version, ID: d.ID}
	for _, s := range d.Statements {
		if s.Sid != id {
			rest.Statements = append(rest.Statements, s)
		}
	}
	return rest
}

// String returns the policy as JSON without white space, in AWS's order of keys.
func (d *Document) String() string {
	var b strings.Builder
	b.WriteString(`{"Version":` + quote(d.Version))
	if d.ID != "" {
		b.WriteString(`,"Id":` + quote(d.ID))
	}
	b.WriteString(`,"Statement":[`)
	for i, s := range d.Statements {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(s.text)
	}
	b.WriteString("]}")
	return b.String()
}

// quote returns a JSON string, with <, > and & as they are.
func quote(s string) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		return `""` // cannot happen: strings encode
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// maxStatements bounds how many statements a policy may have.
const maxStatements = 1000

// Parse reads a policy. Its statements keep their text but for white space.
// The error says what is wrong, for the caller to read.
func Parse(text string) (Document, error) {
	var wire struct {
		Version   string
		ID        string `json:"Id"`
		Statement oneOrMore[Statement]
	}
	if err := strict([]byte(text), &wire); err != nil {
		return Document{}, err
	}
	switch {
	case wire.Version != Version && wire.Version != "2008-10-17":
		return Document{}, fmt.Errorf("its Version must be %s", Version)
	case len(wire.Statement) == 0:
		return Document{}, errors.New("it has no Statement")
	case len(wire.Statement) > maxStatements:
		return Document{}, errors.New("it has too many statements")
	}
	seen := map[string]bool{}
	for _, s := range wire.Statement {
		if s.Sid != "" && seen[s.Sid] {
			return Document{}, fmt.Errorf("two statements have the Sid %s", s.Sid)
		}
		seen[s.Sid] = true
	}
	return Document{wire.Version, wire.ID, wire.Statement}, nil
}

// stored is the form that documents are kept in: JSON within JSON, since an
// encoder would rewrite the texts.
type stored struct {
	Version    string   `json:"Version"`
	ID         string   `json:"ID"`
	Statements []string `json:"Statements"`
}

// MarshalJSON returns the form that UnmarshalJSON reads, which is not the
// policy's: that is String.
func (d Document) MarshalJSON() ([]byte, error) {
	s := stored{Version: d.Version, ID: d.ID}
	for _, st := range d.Statements {
		s.Statements = append(s.Statements, st.text)
	}
	return json.Marshal(s)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (d *Document) UnmarshalJSON(data []byte) error {
	var s stored
	if err := json.Unmarshal(data, &s); err != nil {
		return err
	}
	*d = Document{Version: s.Version, ID: s.ID}
	for _, text := range s.Statements {
		var st Statement
		if err := json.Unmarshal([]byte(text), &st); err != nil {
			return fmt.Errorf("statement of a policy: %w", err)
		}
		d.Statements = append(d.Statements, st)
	}
	return nil
}

// strict decodes JSON and refuses members that the target does not have.
func strict(data []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return err
	}
	if dec.More() {
		return errors.New("something follows the JSON object")
	}
	return nil
}

// oneOrMore is a member that may be a value or a list of them.
type oneOrMore[T any] []T

// UnmarshalJSON reads either form.
func (l *oneOrMore[T]) UnmarshalJSON(data []byte) error {
	if bytes.HasPrefix(bytes.TrimSpace(data), []byte("[")) {
		return strict(data, (*[]T)(l))
	}
	*l = make(oneOrMore[T], 1)
	return strict(data, &(*l)[0])
}
