package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// hasRule says whether values of a shape, structures aside, are constrained.
func (g *generator) hasRule(name string) bool {
	s := g.Shapes[name]
	if s.Min != "" || s.Max != "" || s.Pattern != "" || len(s.Enum) > 0 {
		return true
	}
	for _, r := range []*ref{s.Member, s.Key, s.Value} {
		if r != nil && g.Shapes[r.Shape].Type != "structure" && g.hasRule(r.Shape) {
			return true
		}
	}
	return false
}

// needsCheck says whether a structure or something in it is constrained.
func (g *generator) needsCheck(name string) bool {
	s := g.Shapes[name]
	if len(s.Required) > 0 {
		return true
	}
	for _, m := range s.Members {
		if g.hasRule(m.Shape) || g.nested(m.Shape) != "" {
			return true
		}
	}
	return false
}

// nested returns the structure with checks that a member is, or holds a list
// of; empty: none.
func (g *generator) nested(name string) string {
	s := g.Shapes[name]
	switch {
	case s.Type == "list":
		name = s.Member.Shape
	case s.Type == "map":
		name = s.Value.Shape
	}
	if g.Shapes[name].Type == "structure" && g.needsCheck(name) {
		if s.Type == "map" {
			g.errs = append(g.errs, fmt.Errorf("shape %s: no check for a map of structures", name))
		}
		return name
	}
	return ""
}

// emitRules writes the constraints of the shapes below inputs.
func (g *generator) emitRules() {
	for _, name := range slices.Sorted(maps.Keys(g.inputs)) {
		s := g.Shapes[name]
		if s.Type == "structure" || !g.hasRule(name) {
			continue
		}
		g.put("zz_rules.go", "var rule%s = &rule{\n%s,\n}\n", exported(name), strings.Join(g.ruleFields(s), ",\n"))
	}
}

func (g *generator) ruleFields(s *shape) []string {
	var f []string
	field := func(ok bool, text string, args ...any) {
		if ok {
			f = append(f, fmt.Sprintf(text, args...))
		}
	}
	field(s.Min != "", "min: %q", s.Min.String())
	field(s.Max != "", "max: %q", s.Max.String())
	field(s.Pattern != "", "pattern: %s", patternOf(s))
	field(len(s.Enum) > 0, "enum: %#v", union(s.Enum, s.Shown))
	field(s.Shown != nil, "shown: %#v", s.Shown)
	field(s.NotNull, "notNull: true")
	field(s.Plain, "plain: true")
	field(s.Sensitive, "sensitive: true")
	if s.Key != nil {
		field(g.hasRule(s.Key.Shape), "key: rule%s", exported(s.Key.Shape))
	}
	for _, r := range []*ref{s.Member, s.Value} {
		if r != nil {
			field(g.Shapes[r.Shape].Type != "structure" && g.hasRule(r.Shape), "elem: rule%s", exported(r.Shape))
		}
	}
	return f
}

func patternOf(s *shape) string {
	if s.Predicate != "" {
		return fmt.Sprintf("written(%q, %s)", s.Pattern, s.Predicate)
	}
	quick := "nil"
	if s.Quick != "" {
		quick = s.Quick
	}
	return fmt.Sprintf("compiled(%q, %s)", s.Pattern, quick)
}

// union is the values of a with those of b that a lacks.
func union(a, b []string) []string {
	all := slices.Clone(a)
	for _, v := range b {
		if !slices.Contains(all, v) {
			all = append(all, v)
		}
	}
	return all
}

// emitChecks writes a method for each structure below inputs that applies the
// rules to its members, in AWS's order: the model's, with exceptions.
func (g *generator) emitChecks() {
	const file = "zz_checks.go"
	for _, name := range slices.Sorted(maps.Keys(g.inputs)) {
		s := g.Shapes[name]
		if s.Type != "structure" || !g.needsCheck(name) {
			continue
		}
		g.put(file, "func (v *%s) check(c *checker) {", g.goName[name])
		for _, first := range []bool{true, false} {
			for _, m := range s.Members {
				if slices.Contains(s.First, m.Name) == first {
					g.emitMemberCheck(file, m, slices.Contains(s.Required, m.Name))
				}
			}
		}
		g.put(file, "}\n")
	}
}

func (g *generator) emitMemberCheck(file string, m member, required bool) {
	s, field := g.Shapes[m.Shape], "v."+exported(m.Name)
	if required {
		missing := field + " == nil"
		if s.Type == "timestamp" {
			missing = field + ".IsZero()"
		}
		g.put(file, "\tc.required(%q, %s)", m.Name, missing)
	}
	rule := "rule" + exported(m.Shape)
	switch hasRule := s.Type != "structure" && g.hasRule(m.Shape); {
	case !hasRule:
	case s.Type == "string":
		g.put(file, "\tc.str(%q, %s, %s)", m.Name, field, rule)
	case s.Type == "integer" || s.Type == "long" || s.Type == "double" || s.Type == "float":
		g.put(file, "\tnumber(c, %q, %s, %s)", m.Name, field, rule)
	default:
		g.put(file, "\tif %s != nil {\n\t\tc.value(%q, %s, %s)\n\t}", field, m.Name, field, rule)
	}
	switch {
	case g.nested(m.Shape) == "":
	case s.Type == "list":
		g.put(file, "\tfor i := range %s {\n\t\tif c.full() {\n\t\t\treturn\n\t\t}\n\t\tc.pushElement(%q, i)\n\t\t%s[i].check(c)\n\t\tc.pop(3)\n\t}", field, m.Name, field)
	default:
		g.put(file, "\tif %s != nil {\n\t\tc.push(%q)\n\t\t%s.check(c)\n\t\tc.pop(1)\n\t}", field, m.Name, field)
	}
}
