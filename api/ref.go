package api

import (
	"regexp"
	"strings"
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

// regionPrefix is what the model's patterns take for a region.
var regionPrefix = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`\A(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d:`)
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
	ref, ok := parseFunctionRef(s)
	if !ok {
		var c checker
		c.add("functionName", "'"+s+"'", ruleNamespacedFunctionName.pattern.constraint())
		return FunctionRef{}, c.err()
	}
	return ref, nil
}

func parseFunctionRef(s string) (ref FunctionRef, ok bool) {
	if !strings.Contains(s, ":") {
		ref.Name = s
		return ref, isName(s)
	}
	if rest, ok := strings.CutPrefix(s, "arn:"); ok {
		if partition, rest, ok := strings.Cut(rest, ":lambda:"); ok && isPartition(partition) {
			ref.Partition, s = partition, rest
		}
	}
	if at := regionPrefix().FindStringIndex(s); at != nil && at[1] < len(s) {
		ref.Region, s = s[:at[1]-1], s[at[1]:]
	}
	if account, rest, ok := strings.Cut(s, ":"); ok && len(account) == 12 && isDigits(account) && rest != "" {
		ref.Account, s = account, rest
	}
	if rest, ok := strings.CutPrefix(s, "function:"); ok && rest != "" {
		s = rest
	}
	name, qualifier, qualified := strings.Cut(s, ":")
	ref.Name, ref.Qualifier = name, qualifier
	return ref, isName(name) && (!qualified || isQualifier(qualifier))
}

// isPartition says whether s is (aws[a-zA-Z-]*)?.
func isPartition(s string) bool {
	if s == "" {
		return true
	}
	rest, ok := strings.CutPrefix(s, "aws")
	return ok && (rest == "" || isWord(rest) && !strings.ContainsAny(rest, "0123456789_"))
}

// isName says whether s is [a-zA-Z0-9-_\.]+.
func isName(s string) bool {
	for i := range len(s) {
		if !isWordByte(s[i]) && s[i] != '.' {
			return false
		}
	}
	return s != ""
}

func isQualifier(s string) bool {
	return s == hearth.Latest || s == hearth.Latest+".PUBLISHED" || isWord(s)
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
