package document

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Request is an attempt to do something.
type Request struct {
	Principal Principal
	Action    string // such as lambda:InvokeFunction
	Resource  string // ARN
	// Owner is the account of the resource: within it, naming the account as a
	// principal grants to its root only, as on AWS.
	Owner string
	// Context is what conditions are about, by key in lower case, such as
	// aws:sourcearn.
	Context map[string]string
}

// Principal is who makes a request: a service, or somebody of an account.
type Principal struct {
	Service string // such as events.amazonaws.com
	Account string // twelve digits; empty with a service and with anonymous callers
	ARN     string
	RoleARN string // whose session ARN is
}

// Decision is what a policy says of a request.
type Decision int

// What a policy says.
const (
	Silent  Decision = iota // nothing
	Allowed                 // a statement allows it, and none denies it
	Denied                  // a statement denies it
)

// Evaluate decides on a request. A nil document is silent.
func (d *Document) Evaluate(r Request) Decision {
	if d == nil {
		return Silent
	}
	decision := Silent
	for i := range d.Statements {
		s := &d.Statements[i]
		if !s.applies(r) {
			continue
		}
		if s.deny {
			return Denied
		}
		decision = Allowed
	}
	return decision
}

func (s *Statement) applies(r Request) bool {
	return s.principal.match(r, s.deny) &&
		matchList(s.actions, s.notActions, strings.ToLower(r.Action), strings.ToLower) &&
		matchList(s.resources, s.notFor, r.Resource, func(s string) string { return s }) &&
		!slices.ContainsFunc(s.conditions, func(c condition) bool { return !c.holds(r.Context) })
}

// matchList is for elements that have a form with Not.
func matchList(patterns, not []string, value string, fold func(string) string) bool {
	match := func(pattern string) bool { return Match(fold(pattern), value) }
	if len(not) > 0 {
		return !slices.ContainsFunc(not, match)
	}
	return slices.ContainsFunc(patterns, match)
}

func (p *principals) match(r Request, deny bool) bool {
	if p.everybody {
		return true
	}
	if r.Principal.Service != "" {
		return slices.Contains(p.services, r.Principal.Service)
	}
	return slices.ContainsFunc(p.aws, func(id string) bool {
		switch {
		case id == "*":
			return true
		case r.Principal.Account == "":
			return false
		case id == r.Principal.ARN, id == r.Principal.RoleARN:
			return true
		}
		account := id
		if parts := strings.SplitN(id, ":", 6); len(parts) == 6 && parts[5] == "root" {
			account = parts[4]
		}
		return account == r.Principal.Account && (deny || account != r.Owner || strings.HasSuffix(r.Principal.ARN, ":root"))
	})
}

// condition is one key of one operator.
type condition struct {
	operator string // without IfExists, in lower case
	ifExists bool
	key      string // in lower case
	values   []string
}

// operand is a value of a condition: a string, or a number or boolean, which
// policies may give without quotes.
type operand string

// UnmarshalJSON reads it.
func (o *operand) UnmarshalJSON(data []byte) error {
	text := string(data)
	if unquoted, err := strconv.Unquote(text); err == nil && text[0] == '"' && !strings.Contains(text, `\`) {
		*o = operand(unquoted)
		return nil
	}
	if text == "true" || text == "false" || strings.Trim(text, "0123456789") == "" {
		*o = operand(text)
		return nil
	}
	var s string
	if err := strict(data, &s); err != nil {
		return errors.New("the value of a condition must be a string")
	}
	*o = operand(s)
	return nil
}

func readConditions(wire map[string]map[string]oneOrMore[operand]) ([]condition, error) {
	var all []condition
	for operator, keys := range wire {
		name, ifExists := strings.CutSuffix(strings.ToLower(operator), "ifexists")
		if !slices.Contains(operators(), name) {
			return nil, fmt.Errorf("hearth does not know the condition operator %s", operator)
		}
		for key, operands := range keys {
			c := condition{operator: name, ifExists: ifExists, key: strings.ToLower(key)}
			for _, o := range operands {
				c.values = append(c.values, string(o))
			}
			all = append(all, c)
		}
	}
	return all, nil
}

func operators() []string {
	return []string{
		"stringequals", "stringnotequals", "stringequalsignorecase", "stringnotequalsignorecase", "stringlike", "stringnotlike",
		"arnequals", "arnnotequals", "arnlike", "arnnotlike", "bool", "null",
	}
}

// holds decides on a condition. Without a value of its key it does not hold,
// but with IfExists and for the operators with Not.
func (c *condition) holds(context map[string]string) bool {
	value, exists := context[c.key]
	if c.operator == "null" {
		return slices.ContainsFunc(c.values, func(v string) bool { return strings.EqualFold(v, strconv.FormatBool(!exists)) })
	}
	positive := strings.Replace(c.operator, "not", "", 1)
	negated := positive != c.operator
	if !exists {
		return c.ifExists || negated
	}
	return negated != slices.ContainsFunc(c.values, func(pattern string) bool { return compare(positive, pattern, value) })
}

func compare(operator, pattern, value string) bool {
	switch operator {
	case "stringequals":
		return pattern == value
	case "stringequalsignorecase", "bool":
		return strings.EqualFold(pattern, value)
	case "stringlike":
		return Match(pattern, value)
	default: // arnlike and arnequals, which mean the same
		return matchARN(pattern, value)
	}
}

// matchARN compares the six parts of an ARN each by itself, so that a star does
// not reach over a colon, but for the last.
func matchARN(pattern, arn string) bool {
	p, a := strings.SplitN(pattern, ":", 6), strings.SplitN(arn, ":", 6)
	if len(p) != 6 || len(a) != 6 {
		return false
	}
	for i := range p {
		if !Match(p[i], a[i]) {
			return false
		}
	}
	return true
}

// Match reports whether a text is what a pattern says, in which * stands for
// any characters and ? for one. It takes at most time proportional to the
// product of their lengths.
func Match(pattern, text string) bool {
	p, t, star, mark := 0, 0, -1, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, t
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[t]):
			p++
			t++
		case star >= 0:
			mark++
			p, t = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// Covers reports whether a statement is about a resource.
func (s *Statement) Covers(resource string) bool {
	return matchList(s.resources, s.notFor, resource, func(s string) string { return s })
}
