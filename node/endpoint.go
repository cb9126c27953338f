package node

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/hearthd/hearth/edge/unserved"
)

// What Options.FunctionEndpoint can be, beside a URL.
const (
	EndpointHearth = "hearth"
	EndpointAWS    = "aws"
)

// endpoints reads FunctionEndpoint: whether functions find the node's own API, and the
// variables that say where other services are.
func (o *Options) endpoints() (own bool, variables map[string]string, err error) {
	own, variables = true, map[string]string{}
	for i, part := range strings.FieldsFunc(o.FunctionEndpoint, func(r rune) bool { return r == ',' || r == ' ' }) {
		service, endpoint, named := strings.Cut(part, "=")
		switch {
		case named && service != "":
			variables[unserved.Variable(service)] = endpoint
			err = checkEndpoint(endpoint)
		case i == 0 && part == EndpointHearth:
		case i == 0 && part == EndpointAWS:
			own = false
		case i == 0:
			own, variables["AWS_ENDPOINT_URL"] = false, part
			err = checkEndpoint(part)
		default:
			err = fmt.Errorf("%q is not SERVICE=URL", part)
		}
		if err != nil {
			return false, nil, err
		}
	}
	return own, variables, nil
}

func checkEndpoint(endpoint string) error {
	u, err := url.Parse(endpoint)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return fmt.Errorf("%q is none of %s, %s, a URL, and SERVICE=URL", endpoint, EndpointHearth, EndpointAWS)
	}
	return nil
}
