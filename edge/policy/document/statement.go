package document

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
)

// Statement is one grant or refusal of a policy.
type Statement struct {
	Sid string // empty: it has none

	text       string // compact JSON
	deny       bool
	principal  principals
	actions    oneOrMore[string]
	notActions oneOrMore[string]
	resources  oneOrMore[string]
	notFor     oneOrMore[string] // NotResource
	conditions []condition
}

// Text returns the statement as JSON without white space.
func (s *Statement) Text() string { return s.text }

// principals are whom a statement is about: everybody, or those named.
type principals struct {
	everybody bool
	aws       oneOrMore[string]
	services  oneOrMore[string]
}

// UnmarshalJSON reads "*" and objects of AWS, Service and Federated principals;
// the last match nobody here.
func (p *principals) UnmarshalJSON(data []byte) error {
	if text := string(bytes.TrimSpace(data)); text == `"*"` {
		p.everybody = true
		return nil
	}
	var wire struct {
		AWS, Service, Federated oneOrMore[string]
	}
	if err := strict(data, &wire); err != nil {
		return errors.New(`its Principal must be "*" or an object of AWS and Service principals`)
	}
	if len(wire.AWS)+len(wire.Service)+len(wire.Federated) == 0 {
		return errors.New("its Principal is empty")
	}
	p.aws, p.services = wire.AWS, wire.Service
	for _, id := range p.aws {
		if id != "*" && !accountPattern().MatchString(id) && !principalPattern().MatchString(id) {
			return fmt.Errorf("%q is no principal", id)
		}
	}
	return nil
}

var (
	accountPattern   = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\A\d{12}\z`) })
	principalPattern = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`\Aarn:aws[a-zA-Z-]*:(iam|sts)::\d{12}:(root|(user|role|assumed-role|federated-user)/[^*?]+)\z`)
	})
	actionPattern = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`\A(?i:lambda):[a-zA-Z*?]+\z`)
	})
)

// UnmarshalJSON reads a statement in the form that policies have.
func (s *Statement) UnmarshalJSON(data []byte) error {
	var wire struct {
		Sid         string
		Effect      string
		Principal   *principals
		Action      oneOrMore[string]
		NotAction   oneOrMore[string]
		Resource    oneOrMore[string]
		NotResource oneOrMore[string]
		Condition   map[string]map[string]oneOrMore[operand]
	}
	if err := strict(data, &wire); err != nil {
		return err
	}
	switch {
	case wire.Effect != "Allow" && wire.Effect != "Deny":
		return errors.New("the Effect of a statement must be Allow or Deny")
	case wire.Principal == nil:
		return errors.New("a statement has no Principal")
	case (len(wire.Action) == 0) == (len(wire.NotAction) == 0):
		return errors.New("a statement must have either an Action or a NotAction")
	case (len(wire.Resource) == 0) == (len(wire.NotResource) == 0):
		return errors.New("a statement must have either a Resource or a NotResource")
	}
	for _, a := range append(append(oneOrMore[string]{}, wire.Action...), wire.NotAction...) {
		if a != "*" && !actionPattern().MatchString(a) {
			return fmt.Errorf("%q is no action of Lambda", a)
		}
	}
	conditions, err := readConditions(wire.Condition)
	if err != nil {
		return err
	}
	var text bytes.Buffer
	if err := json.Compact(&text, data); err != nil {
		return err
	}
	*s = Statement{
		Sid: wire.Sid, text: text.String(), deny: wire.Effect == "Deny", principal: *wire.Principal,
		actions: wire.Action, notActions: wire.NotAction, resources: wire.Resource, notFor: wire.NotResource, conditions: conditions,
	}
	return nil
}

// Permission is a statement as AddPermission and AddLayerVersionPermission
// describe it. Empty members add no condition.
type Permission struct {
	Sid, Action, Resource string
	Principal             string // "*", an account, an ARN, or a service
	SourceAccount         string
	EventSourceToken      string
	FunctionURLAuthType   string
	PrincipalOrgID        string
	SourceARN             string
	ViaFunctionURL        *bool
}

// ErrPrincipal says that a principal can be none.
var ErrPrincipal = errors.New("invalid principal")

// Statement returns the permission as a statement, in AWS's order of keys;
// ErrPrincipal.
func (p Permission) Statement(partition string) (Statement, error) {
	principal, err := printPrincipal(p.Principal, partition)
	if err != nil {
		return Statement{}, err
	}
	text := `{"Sid":` + quote(p.Sid) + `,"Effect":"Allow","Principal":` + principal +
		`,"Action":` + quote(p.Action) + `,"Resource":` + quote(p.Resource)
	if c := p.conditions(); c != "" {
		text += `,"Condition":{` + c + "}"
	}
	var s Statement
	if err := json.Unmarshal([]byte(text+"}"), &s); err != nil {
		return Statement{}, fmt.Errorf("print statement %s: %w", p.Sid, err)
	}
	return s, nil
}

// conditions prints the conditions of a permission: AWS has those on strings
// first.
func (p Permission) conditions() string {
	var equals, all []string
	for _, c := range [][2]string{
		{"AWS:SourceAccount", p.SourceAccount}, {"lambda:EventSourceToken", p.EventSourceToken},
		{"aws:PrincipalOrgID", p.PrincipalOrgID}, {"lambda:FunctionUrlAuthType", p.FunctionURLAuthType},
	} {
		if c[1] != "" {
			equals = append(equals, quote(c[0])+":"+quote(c[1]))
		}
	}
	if len(equals) > 0 {
		all = append(all, `"StringEquals":{`+strings.Join(equals, ",")+"}")
	}
	if p.ViaFunctionURL != nil {
		all = append(all, fmt.Sprintf(`"Bool":{"lambda:InvokedViaFunctionUrl":"%t"}`, *p.ViaFunctionURL))
	}
	if p.SourceARN != "" {
		all = append(all, `"ArnLike":{"AWS:SourceArn":`+quote(p.SourceARN)+"}")
	}
	return strings.Join(all, ",")
}

// serviceDomain is what the name of a service looks like.
var serviceDomain = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`\A[a-z0-9][a-z0-9.-]*\.(amazonaws\.com(\.cn)?|amazon\.com|aws\.amazon\.com|alexa\.com)\z`)
})

func printPrincipal(principal, partition string) (string, error) {
	switch {
	case principal == "*":
		return `"*"`, nil
	case accountPattern().MatchString(principal):
		return `{"AWS":"arn:` + partition + `:iam::` + principal + `:root"}`, nil
	case principalPattern().MatchString(principal):
		return `{"AWS":` + quote(principal) + "}", nil
	case serviceDomain().MatchString(principal):
		return `{"Service":` + quote(principal) + "}", nil
	}
	return "", ErrPrincipal
}
