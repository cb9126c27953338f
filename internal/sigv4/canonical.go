package sigv4

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// canonicalRequest is the text that is signed.
func canonicalRequest(r *http.Request, path, query string, signed []string, payloadHash string) string {
	var b strings.Builder
	for _, line := range []string{r.Method, path, query} {
		b.WriteString(line)
		b.WriteByte('\n')
	}
	for _, name := range signed {
		b.WriteString(name)
		b.WriteByte(':')
		b.WriteString(headerValue(r, name))
		b.WriteByte('\n')
	}
	b.WriteByte('\n')
	b.WriteString(strings.Join(signed, ";"))
	b.WriteByte('\n')
	b.WriteString(payloadHash)
	return b.String()
}

// canonicalPath is the path as it is sent, escaped once more: all services but
// S3 have it so.
func canonicalPath(r *http.Request) string {
	path := r.URL.EscapedPath()
	if path == "" {
		return "/"
	}
	return escape(path, true)
}

// tidyPath takes empty, "." and ".." segments out of a path.
func tidyPath(path string) string {
	var kept []string
	for segment := range strings.SplitSeq(path, "/") {
		switch segment {
		case "", ".":
		case "..":
			kept = kept[:max(0, len(kept)-1)]
		default:
			kept = append(kept, segment)
		}
	}
	tidy := "/" + strings.Join(kept, "/")
	if tidy != "/" && strings.HasSuffix(path, "/") {
		tidy += "/"
	}
	return tidy
}

// canonicalQuery is the query sorted and escaped anew, without the signature
// itself; false when it cannot be read.
func canonicalQuery(raw string) (string, bool) {
	if raw == "" {
		return "", true
	}
	type pair struct{ key, value string }
	pairs := make([]pair, 0, strings.Count(raw, "&")+1)
	for part := range strings.SplitSeq(raw, "&") {
		k, v, _ := strings.Cut(part, "=")
		key, errKey := url.QueryUnescape(k)
		value, errValue := url.QueryUnescape(v)
		if errKey != nil || errValue != nil {
			return "", false
		}
		if part != "" && key != "X-Amz-Signature" {
			pairs = append(pairs, pair{escape(key, false), escape(value, false)})
		}
	}
	slices.SortFunc(pairs, func(a, b pair) int {
		if c := strings.Compare(a.key, b.key); c != 0 {
			return c
		}
		return strings.Compare(a.value, b.value)
	})
	var b strings.Builder
	for i, p := range pairs {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(p.key)
		b.WriteByte('=')
		b.WriteString(p.value)
	}
	return b.String(), true
}

// escape percent-encodes all but RFC 3986's unreserved characters, and slashes
// where they are to stay.
func escape(s string, slashes bool) string {
	const hexadecimal = "0123456789ABCDEF"
	n := 0
	for i := range len(s) {
		if !plain(s[i], slashes) {
			n++
		}
	}
	if n == 0 {
		return s
	}
	b := make([]byte, 0, len(s)+2*n)
	for i := range len(s) {
		if c := s[i]; plain(c, slashes) {
			b = append(b, c)
		} else {
			b = append(b, '%', hexadecimal[c>>4], hexadecimal[c&15])
		}
	}
	return string(b)
}

func plain(c byte, slashes bool) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' ||
		c == '-' || c == '.' || c == '_' || c == '~' || slashes && c == '/'
}
