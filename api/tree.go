package api

import (
	"net/url"
	"strings"
)

// node is a place in the tree of path segments that the model's paths span.
type node struct {
	static map[string]*node
	label  *node
	ops    []*spec // that end here, those with a distinguishing query first
}

func newTree(specs []*spec) *node {
	root := &node{}
	for _, s := range specs {
		n := root
		for segment := range strings.SplitSeq(strings.Trim(s.path, "/"), "/") {
			n = n.child(segment)
		}
		if s.query != "" {
			n.ops = append([]*spec{s}, n.ops...)
			continue
		}
		n.ops = append(n.ops, s)
	}
	return root
}

func (n *node) child(segment string) *node {
	if strings.HasPrefix(segment, "{") {
		if n.label == nil {
			n.label = &node{}
		}
		return n.label
	}
	if n.static == nil {
		n.static = map[string]*node{}
	}
	if n.static[segment] == nil {
		n.static[segment] = &node{}
	}
	return n.static[segment]
}

// maxSegments bounds the paths that are looked at: twice the longest of the
// model, with room for the slashes that an ARN may hold unescaped.
const maxSegments = 16

// match finds the node that a URL's path leads to and leaves the labels in
// req. Segments are split before they are unescaped, so that an escaped slash
// belongs to its label. It returns nil when no operation has such a path.
func (n *node) match(req *request, u *url.URL) *node {
	path, escaped := u.Path, false
	if u.RawPath != "" {
		path, escaped = u.RawPath, true
	}
	path, ok := strings.CutPrefix(path, "/")
	if !ok {
		return nil
	}
	path = strings.TrimSuffix(path, "/") // older SDKs send one
	if strings.Count(path, "/") >= maxSegments {
		return nil
	}
	end := n.walk(req, path, 0)
	if end == nil || !escaped {
		return end
	}
	for i, l := range req.labels {
		l, err := url.PathUnescape(l)
		if err != nil {
			return nil
		}
		req.labels[i] = l
	}
	return end
}

// walk follows path, the rest of a request's path, below n. Literal segments
// win over labels. A label takes one segment, or, if it is an ARN, as many as
// it needs for the rest to match.
func (n *node) walk(req *request, path string, label int) *node {
	if path == "" {
		if len(n.ops) == 0 {
			return nil
		}
		return n
	}
	segment, rest, _ := strings.Cut(path, "/")
	if next := n.static[segment]; next != nil {
		if end := next.walk(req, rest, label); end != nil {
			return end
		}
	}
	if n.label == nil || segment == "" {
		return nil
	}
	for end := len(segment); ; {
		rest := strings.TrimPrefix(path[end:], "/")
		if found := n.label.walk(req, rest, label+1); found != nil {
			req.labels[label] = path[:end]
			return found
		}
		if rest == "" || !strings.HasPrefix(path, "arn:") && !strings.HasPrefix(path, "arn%3A") && !strings.HasPrefix(path, "arn%3a") {
			return nil
		}
		next, _, _ := strings.Cut(rest, "/")
		end += 1 + len(next)
	}
}
