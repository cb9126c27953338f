package api

import (
	"regexp"
	"sync"

	"github.com/hearthd/hearth"
)

// FunctionRef is a function as callers name it: in part or in full. Empty
// fields were left out.
type FunctionRef struct {
	Partition string // of a full ARN
	Region    string
	Account   string // twelve digits
	Name      string // never empty
	Qualifier string // version, alias, $LATEST or $LATEST.PUBLISHED
}

// functionRef is the pattern of NamespacedFunctionName with a group for each
// part.
var functionRef = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`\A(?:arn:(aws[a-zA-Z-]*)?:lambda:)?` +
		`(?:((?:eusc-)?[a-z]{2}(?:-gov|-iso[a-z]?)?-[a-z]+-\d):)?` +
		`(?:(\d{12}):)?(?:function:)?([a-zA-Z0-9-_\.]+)` +
		`(?::(\$LATEST(?:\.PUBLISHED)?|[a-zA-Z0-9-_]+))?\z`)
})

// ParseFunctionRef reads a function reference, each part but the name being
// optional:
//
//	arn:<partition>:lambda:<region>:<account>:function:<name>:<qualifier>
//
// It accepts what the pattern of the model's NamespacedFunctionName accepts
// and reads it the same way: a part that could be an account or a region is
// one, as long as a name remains. The error is of kind hearth.ErrValidation,
// with the text for a member called functionName.
func ParseFunctionRef(s string) (FunctionRef, error) {
	if isWord(s) {
		return FunctionRef{Name: s}, nil
	}
	m := functionRef().FindStringSubmatch(s)
	if m == nil {
		var c checker
		c.add("functionName", "'"+s+"'", ruleNamespacedFunctionName.pattern.constraint())
		return FunctionRef{}, c.err()
	}
	return FunctionRef{Partition: m[1], Region: m[2], Account: m[3], Name: m[4], Qualifier: m[5]}, nil
}

// Resolve completes a reference with the account and region that a request is
// for, and with the qualifier that it carries beside the name. The result's
// qualifier is empty when neither has one. Errors:
//
//   - hearth.ErrNotFound: the reference names another region.
//   - hearth.ErrInvalid: the two qualifiers differ.
func (f FunctionRef) Resolve(account, region string, qualifier *string) (hearth.Name, string, error) {
	name := hearth.Name{Account: account, Region: region, Function: f.Name}
	if f.Region != "" && f.Region != region {
		return name, "", hearth.Errorf(hearth.ErrNotFound, "Functions from '%s' are not reachable in this region ('%s')", f.Region, region)
	}
	if f.Account != "" {
		name.Account = f.Account
	}
	given := Value(qualifier)
	if f.Qualifier != "" && given != "" && f.Qualifier != given {
		return name, "", hearth.Errorf(hearth.ErrInvalid, "The derived qualifier from the function name does not match the specified qualifier.")
	}
	if given == "" {
		given = f.Qualifier
	}
	return name, given, nil
}
