package hearth

import (
	"regexp"
	"slices"
	"strconv"
	"sync"
	"time"
)

// LayerName identifies a layer: accounts and regions are separate namespaces.
type LayerName struct {
	Account string `json:"Account"` // twelve digits
	Region  string `json:"Region"`
	Layer   string `json:"Layer"` // letters, digits, '-', '_'
}

// ARN returns the layer's ARN, without a version.
func (n LayerName) ARN() string {
	return "arn:" + Partition(n.Region) + ":lambda:" + n.Region + ":" + n.Account + ":layer:" + n.Layer
}

// VersionARN returns the ARN of one of the layer's versions.
func (n LayerName) VersionARN(version int64) string {
	return n.ARN() + ":" + strconv.FormatInt(version, 10)
}

// LayerVersion is one version of a layer, which never changes. It is a value;
// maps and slices inside it must not be written to after it was stored or
// handed on.
type LayerVersion struct {
	Layer         LayerName `json:"Layer"`
	Version       int64     `json:"Version"` // from 1, never used again
	Description   string    `json:"Description"`
	License       string    `json:"License"`
	Runtimes      []string  `json:"Runtimes"`      // that it is meant for; nil: not said
	Architectures []string  `json:"Architectures"` // nil: not said
	Code          Code      `json:"Code"`
	Created       time.Time `json:"Created"`
}

// ARN returns the ARN of the layer version.
func (l *LayerVersion) ARN() string { return l.Layer.VersionARN(l.Version) }

// LayerQuery says which page of a list of layer versions is wanted.
type LayerQuery struct {
	Runtime, Architecture string // that the versions are meant for; empty: any
	Marker                string // of the page before; empty: the first page
	Limit                 int    // 0: no limit
}

// Matches reports whether a version belongs into the list.
func (q LayerQuery) Matches(v *LayerVersion) bool {
	return (q.Runtime == "" || slices.Contains(v.Runtimes, q.Runtime)) &&
		(q.Architecture == "" || slices.Contains(v.Architectures, q.Architecture))
}

var layerARN = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`\Aarn:aws[a-zA-Z-]*:lambda:([a-z0-9-]+):(\d{12}):layer:([a-zA-Z0-9-_]+)(?::(\d{1,18}))?\z`)
})

// ParseLayerARN takes the ARN of a layer, or of one of its versions, apart.
// version is 0 when there is none; ok is false when it is no such ARN.
func ParseLayerARN(arn string) (name LayerName, version int64, ok bool) {
	m := layerARN().FindStringSubmatch(arn)
	if m == nil {
		return LayerName{}, 0, false
	}
	if m[4] != "" {
		version, _ = strconv.ParseInt(m[4], 10, 64) // of at most 18 digits
	}
	return LayerName{Account: m[2], Region: m[1], Layer: m[3]}, version, true
}
