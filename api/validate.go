package api

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/hearthd/hearth"
)

// rule is what the model demands of the values of one shape. Rules are
// generated, and never change.
type rule struct {
	// Bounds as AWS's messages print them, of the value for numbers, else of
	// the length: characters of strings, bytes of blobs, elements of lists and
	// maps. Empty: none.
	min, max  string
	pattern   *pattern
	enum      []string // accepted values
	shown     []string // the same as AWS's messages list them; nil: as enum
	key, elem *rule    // of maps; of lists and maps
	notNull   bool     // messages list "Member must not be null" for elements
	plain     bool     // messages print the element's constraint without brackets around
	sensitive bool     // messages do not print the value
}

const notNull = "Member must not be null"

func (r *rule) maxText(v any) string {
	return "Member must have " + measure(v) + " less than or equal to " + r.max
}

func (r *rule) minText(v any) string {
	return "Member must have " + measure(v) + " greater than or equal to " + r.min
}

func (r *rule) enumText() string {
	shown := r.shown
	if shown == nil {
		shown = r.enum
	}
	return "Member must satisfy enum value set: [" + strings.Join(shown, ", ") + "]"
}

func measure(v any) string {
	switch v.(type) {
	case int, int64, float64:
		return "value"
	default:
		return "length"
	}
}

// size is what bounds are compared with.
func size(v any) float64 {
	switch v := v.(type) {
	case int:
		return float64(v)
	case int64:
		return float64(v)
	case float64:
		return v
	case string:
		return float64(utf8.RuneCountInString(v))
	default:
		return float64(length(v))
	}
}

func exceeds(size float64, bound string, sign int) bool {
	if bound == "" {
		return false
	}
	limit, err := strconv.ParseFloat(bound, 64)
	return err == nil && cmp.Compare(size, limit) == sign
}

// hugeString is the length in bytes from which a string that is too long
// anyway is not matched against its pattern.
const hugeString = 64 << 10

// violated returns the constraints that v itself breaks, elements aside, in
// the order in which AWS lists constraints.
func (r *rule) violated(v any) []string {
	var broken []string
	n := size(v)
	if exceeds(n, r.max, +1) {
		broken = append(broken, r.maxText(v))
	}
	if exceeds(n, r.min, -1) {
		broken = append(broken, r.minText(v))
	}
	s, ok := v.(string)
	if !ok {
		return broken
	}
	if r.pattern != nil && (len(broken) == 0 || len(s) <= hugeString) && !r.pattern.matches(s) {
		broken = append(broken, r.pattern.constraint())
	}
	if r.enum != nil && !slices.Contains(r.enum, s) {
		broken = append(broken, r.enumText())
	}
	return broken
}

// holds says whether v and everything in it satisfies r.
func (r *rule) holds(v any) bool {
	if r == nil {
		return true
	}
	if len(r.violated(v)) > 0 {
		return false
	}
	for k, e := range elements(v) {
		if k != nil && !r.key.holds(k) || !r.elem.holds(e) {
			return false
		}
	}
	return true
}

// all lists every constraint of r, as AWS does for the elements of lists and
// maps. zero is a value of the type that r is about.
func (r *rule) all(zero any, notNullToo bool) []string {
	var texts []string
	if r.max != "" {
		texts = append(texts, r.maxText(zero))
	}
	if r.min != "" {
		texts = append(texts, r.minText(zero))
	}
	if r.pattern != nil {
		texts = append(texts, r.pattern.constraint())
	}
	if r.enum != nil {
		texts = append(texts, r.enumText())
	}
	if r.elem != nil {
		texts = append(texts, "Member must satisfy constraint: "+bracket(r.elem.all("", r.notNull)))
	}
	if notNullToo {
		texts = append(texts, notNull)
	}
	return texts
}

func bracket(texts []string) string { return "[" + strings.Join(texts, ", ") + "]" }

// maxViolations bounds an answer, and the work for it: a list may hold
// millions of broken structures.
const maxViolations = 100

// maxPrinted bounds what a violation shows of a value, in bytes: values can be
// as large as bodies, and a value can violate several constraints.
const maxPrinted = 64 << 10

// checker collects what is wrong with an input. The generated checks call it
// in the model's order of members.
type checker struct {
	path  []string
	found []string
}

func (c *checker) push(name string) { c.path = append(c.path, lowerFirst(name)) }

// pushElement enters the i-th structure of a list; AWS counts from one.
func (c *checker) pushElement(name string, i int) {
	c.path = append(c.path, lowerFirst(name), strconv.Itoa(i+1), "member")
}

func (c *checker) pop(n int) { c.path = c.path[:len(c.path)-n] }

func (c *checker) full() bool { return len(c.found) >= maxViolations }

func (c *checker) add(name, value, constraint string) {
	if c.full() {
		return
	}
	path := strings.Join(append(slices.Clone(c.path), lowerFirst(name)), ".")
	if value != "" {
		value = " " + value
	}
	c.found = append(c.found, "Value"+value+" at '"+path+"' failed to satisfy constraint: "+constraint)
}

// required reports a member that is missing.
func (c *checker) required(name string, missing bool) {
	if missing {
		c.add(name, "null", notNull)
	}
}

// str checks an optional string.
func (c *checker) str(name string, v *string, r *rule) {
	switch {
	case v == nil:
	case r.pattern != nil && r.pattern.quick != nil && r.pattern.quick(*v):
	case r.enum != nil && slices.Contains(r.enum, *v):
	default:
		c.value(name, *v, r)
	}
}

// number checks an optional number.
func number[N int | int64 | float64](c *checker, name string, v *N, r *rule) {
	if v != nil {
		c.value(name, *v, r)
	}
}

// value checks a value that is there: a scalar, a blob, a list or a map.
func (c *checker) value(name string, v any, r *rule) {
	for _, constraint := range r.violated(v) {
		c.add(name, r.print(v), constraint)
	}
	var badKey, badElem bool
	for k, e := range elements(v) {
		badKey = badKey || k != nil && !r.key.holds(k)
		badElem = badElem || !r.elem.holds(e)
	}
	if badKey {
		c.add(name, r.print(v), "Map keys must satisfy constraint: "+bracket(r.key.all("", false)))
	}
	if !badElem {
		return
	}
	texts := r.elem.all(zeroElement(v), r.notNull)
	switch {
	case isMap(v):
		c.add(name, r.print(v), "Map value must satisfy constraint: "+bracket(texts))
	case r.plain:
		c.add(name, r.print(v), strings.Join(texts, ", "))
	default:
		c.add(name, r.print(v), "Member must satisfy constraint: "+bracket(texts))
	}
}

// print returns a value as a message quotes it, and nothing for secrets.
func (r *rule) print(v any) string {
	if r.sensitive || r.elem != nil && r.elem.sensitive {
		return ""
	}
	return "'" + cut(render(v)) + "'"
}

// cut keeps a printed value to maxPrinted.
func cut(value string) string {
	if len(value) <= maxPrinted {
		return value
	}
	return strings.ToValidUTF8(value[:maxPrinted], "") + "..."
}

// err returns what was found as one error, nil when nothing was.
func (c *checker) err() error {
	switch len(c.found) {
	case 0:
		return nil
	case 1:
		return hearth.Errorf(hearth.ErrValidation, "1 validation error detected: %s", c.found[0])
	default:
		return hearth.Errorf(hearth.ErrValidation, "%s", fmt.Sprint(len(c.found))+" validation errors detected: "+strings.Join(c.found, "; "))
	}
}
