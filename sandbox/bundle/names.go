package bundle

import (
	"context"
	"iter"
	"strings"
)

// names are the names of a tree, each segment once.
type names struct {
	root     *node
	segments int
	implied  int // directories that were not named when they were needed
}

// node is one name of a tree. Directories have children, also those that no entry
// names.
type node struct {
	parent   *node // nil: the root
	kind     kind
	entry    *entry // nil: no entry names this directory
	target   string // of a link
	children map[string]*node
}

func newNames() *names { return &names{root: &node{kind: kindDir}} }

// child returns what a directory has under a name; nil: nothing.
func (n *node) child(name string) *node { return n.children[name] }

func (n *node) set(name string, child *node) {
	if n.children == nil {
		n.children = make(map[string]*node)
	}
	child.parent = n
	n.children[name] = child
}

// add adds an entry, and the directories above it. It refuses a name that is
// there already, unless both are directories, and what is below a file or a link.
func (s *names) add(e *entry) error {
	at, depth := s.root, 0
	for rest := e.name; rest != ""; {
		var part string
		part, rest, _ = strings.Cut(rest, "/")
		depth++
		s.segments++
		switch {
		case depth > MaxDepth:
			return errDepth(e.name)
		case s.segments > MaxSegments:
			return errSegments()
		case at.kind != kindDir:
			return errUnzip()
		}
		next := at.child(part)
		if next == nil {
			next = &node{kind: kindDir}
			at.set(part, next)
			if rest == "" {
				next.kind, next.target, next.entry = e.kind, e.target, e
				return nil
			}
			if s.implied++; s.implied > MaxImplied {
				return errImplied()
			}
		}
		at = next
	}
	if at.kind != kindDir || e.kind != kindDir {
		return errUnzip()
	}
	if at.entry == nil {
		at.entry = e
	}
	return nil
}

// links yields the links of a tree, with their paths.
func (s *names) links() iter.Seq2[string, *node] {
	return func(yield func(string, *node) bool) { walkLinks("", s.root, yield) }
}

func walkLinks(path string, dir *node, yield func(string, *node) bool) bool {
	for name, n := range dir.children {
		name = path + name
		switch {
		case n.kind == kindLink:
			if !yield(name, n) {
				return false
			}
		case len(n.children) > 0:
			if !walkLinks(name+"/", n, yield) {
				return false
			}
		}
	}
	return true
}

// checkLinks refuses a tree of which a link leads out, be it through other links.
func (s *names) checkLinks(ctx context.Context) error {
	steps := MaxSegments
	for _, link := range s.links() {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		inside := staysInside(link, &steps)
		if steps < 0 {
			return errLinks()
		}
		if !inside {
			return errUnzip()
		}
	}
	return nil
}

// maxHops bounds a chain of links, as Linux does.
const maxHops = 40

// staysInside walks a link as the kernel would. What it leads to need not exist.
// It takes the segments that it walks off steps, and gives up below zero.
func staysInside(link *node, steps *int) bool {
	pending := []string{link.target} // the last one is walked first
	at, missing := link.parent, 0    // missing: how many names below at are not there
	for hops := maxHops; len(pending) > 0; {
		last := len(pending) - 1
		part, rest, more := strings.Cut(pending[last], "/")
		if pending[last] = rest; !more {
			pending = pending[:last]
		}
		if *steps--; *steps < 0 {
			return false
		}
		switch {
		case part == "" || part == ".":
			continue
		case part == ".." && missing > 0:
			missing--
			continue
		case part == "..":
			if at = at.parent; at == nil {
				return false
			}
			continue
		}
		next := at.child(part)
		switch {
		case missing > 0 || next == nil:
			missing++
		case next.kind != kindLink:
			at = next
		default:
			if hops--; hops < 0 {
				return false
			}
			pending = append(pending, next.target)
		}
	}
	return true
}
