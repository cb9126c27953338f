package hearth

import "strconv"

// Alias is a name for a version of a function, or for two of them that share
// its invocations. It is a value; holders of a copy never see it change.
type Alias struct {
	Function    Name   `json:"Function"`
	Name        string `json:"Name"` // letters, digits, '-', '_'; not digits alone
	Description string `json:"Description"`
	Version     string `json:"Version"` // Latest or a published version
	// Additional is a second published version, which gets AdditionalWeight of
	// the invocations, 0 to 1; the first gets the rest. Empty: there is none.
	Additional       string  `json:"Additional"`
	AdditionalWeight float64 `json:"AdditionalWeight"`
	RevisionID       string  `json:"RevisionID"` // changes with every update
}

// ARN returns the alias's ARN: that of the function, qualified.
func (a *Alias) ARN() string { return a.Function.ARN(a.Name) }

// PointsTo reports whether invocations of the alias can reach a version.
func (a *Alias) PointsTo(version string) bool {
	return version == a.Version || a.Additional != "" && version == a.Additional
}

// IsAlias reports whether a qualifier can only be the name of an alias: it is
// neither empty, nor $LATEST or $LATEST.PUBLISHED, nor a number.
func IsAlias(qualifier string) bool {
	if qualifier == "" || qualifier == Latest || qualifier == LatestPublished {
		return false
	}
	for i := range len(qualifier) {
		if c := qualifier[i]; c < '0' || c > '9' {
			return true
		}
	}
	return false
}

// VersionNumber returns the number of a published version; false for $LATEST
// and for whatever else no version is called, such as "007".
func VersionNumber(version string) (int, bool) {
	n, err := strconv.ParseInt(version, 10, 32)
	if err != nil || n < 1 || strconv.FormatInt(n, 10) != version {
		return 0, false
	}
	return int(n), true
}
