package api

import (
	"regexp"
	"strings"
	"sync"
)

// pattern is a regular expression of the model, which values match as a whole.
type pattern struct {
	text  string
	match func(string) bool
	// quick accepts the values that nearly all requests have without running
	// the expression; it must not accept a value that text refuses. Nil: none.
	quick func(string) bool
}

// compiled returns the pattern of an expression that Go's regexp can run. It
// is compiled when first needed: the model has 80, and a request needs few.
func compiled(text string, quick func(string) bool) *pattern {
	expr := sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\A(?:` + text + `)\z`) })
	return &pattern{text: text, match: func(s string) bool { return expr().MatchString(s) }, quick: quick}
}

// written returns the pattern of an expression with look-around, which Go's
// regexp lacks: match does it by hand.
func written(text string, match func(string) bool) *pattern {
	return &pattern{text: text, match: match}
}

func (p *pattern) matches(s string) bool { return p.quick != nil && p.quick(s) || p.match(s) }

func (p *pattern) constraint() string {
	return "Member must satisfy regular expression pattern: " + p.text
}

// isPlainName accepts the usual name of a function: short enough for every
// bound, and matched by every pattern for names and qualifiers.
func isPlainName(s string) bool { return len(s) <= 64 && isWord(s) }

// isWord says whether s is [a-zA-Z0-9-_]+.
func isWord(s string) bool {
	for i := range len(s) {
		if !isWordByte(s[i]) {
			return false
		}
	}
	return s != ""
}

func isWordByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || isDigit(c) || c == '-' || c == '_'
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isDigits(s string) bool {
	for i := range len(s) {
		if !isDigit(s[i]) {
			return false
		}
	}
	return s != ""
}

// matchAlias is (?!^[0-9]+$)([a-zA-Z0-9-_]+), and
// ((?!^\d+$)^[0-9a-zA-Z-_]+$), which says the same.
func matchAlias(s string) bool { return isWord(s) && !isDigits(s) }

// matchCollection is (^(?!(system\x2e)))(^[_a-zA-Z0-9])([^$]*).
func matchCollection(s string) bool {
	return s != "" && s[0] != '-' && isWordByte(s[0]) && !strings.HasPrefix(s, "system.") && !strings.Contains(s, "$")
}

// matchBucket is [0-9A-Za-z\.\-_]*(?<!\.).
func matchBucket(s string) bool {
	for i := range len(s) {
		if !isWordByte(s[i]) && s[i] != '.' {
			return false
		}
	}
	return !strings.HasSuffix(s, ".")
}

// urlFunction is the pattern of a function's name for its URL, whose qualifier
// is not a number: (?!\d+$)[0-9a-zA-Z-_]+ at the end is a word with at least one
// byte that is no digit.
var urlFunction = compiled(`(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?([a-zA-Z0-9-_]{1,64})(:([0-9a-zA-Z-_]*[a-zA-Z-_][0-9a-zA-Z-_]*))?`, isPlainName)

func matchURLFunction(s string) bool { return urlFunction.matches(s) }
