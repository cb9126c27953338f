// Package unserved answers requests for those AWS services that hearth does not
// serve. A client sends them here when AWS_ENDPOINT_URL, which is for every service,
// names hearth. Each gets an error in its own protocol, which every SDK can read, and
// which says what to set.
//
//	Authorization: ... /<region>/<service>/aws4_request ──► lambda? ── yes, or not said ──► Lambda
//	                                                         └─ no ──► 501, in the service's protocol
package unserved

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"strings"

	"github.com/hearthd/hearth/api"
	"github.com/hearthd/hearth/edge/scope"
)

// code is the error code in every protocol.
const code = "NotImplementedException"

// Lambda serves the Lambda API.
type Lambda interface {
	http.Handler
	// HasPath reports whether operations of the API have the path of a request. One
	// that was signed for another service is Lambda's to refuse then.
	HasPath(r *http.Request) bool
}

// Handler passes the requests of the Lambda API on and answers those of other
// services.
func Handler(lambda Lambda) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		service, other := serviceOf(r)
		if !other || lambda.HasPath(r) {
			lambda.ServeHTTP(w, r)
			return
		}
		refuse(w, r, service)
	})
}

// serviceOf returns the signing name of the service that a request is for, and whether
// that is another one than Lambda. The name is empty when the request is unsigned and
// only its form tells.
func serviceOf(r *http.Request) (signed string, other bool) {
	if signed = scope.Service(r); signed != "" {
		return signed, signed != "lambda"
	}
	// No operation of the Lambda API is sent to / or has a target.
	return "", r.Header.Get("X-Amz-Target") != "" || r.Header.Get("Smithy-Protocol") != "" || r.URL.Path == "/" && isForm(r)
}

// protocol is how a service words its errors.
type protocol int

const (
	restJSON protocol = iota
	jsonRPC           // X-Amz-Target
	query             // a form with an Action
	ec2Query
	restXML
	rpcCBOR
)

func isForm(r *http.Request) bool {
	return r.Method == http.MethodPost && strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded")
}

func protocolOf(r *http.Request, service string) protocol {
	switch {
	case r.Header.Get("Smithy-Protocol") == "rpc-v2-cbor":
		return rpcCBOR
	case r.Header.Get("X-Amz-Target") != "":
		return jsonRPC
	case service == "ec2":
		return ec2Query
	case isForm(r):
		return query
	case service == "s3" || service == "s3express" || service == "route53" || service == "cloudfront":
		return restXML
	default:
		return restJSON
	}
}

// refuse answers a request of a service. Its body is not read.
func refuse(w http.ResponseWriter, r *http.Request, service string) {
	id := api.NewRequestID()
	kind, text := protocolOf(r, service), message(service)
	header := w.Header()
	header.Set("X-Amzn-Requestid", id)
	var body []byte
	switch kind {
	case restJSON, jsonRPC:
		header.Set("Content-Type", "application/json")
		if kind == jsonRPC {
			header.Set("Content-Type", "application/x-amz-json-1.1")
		}
		header.Set("X-Amzn-Errortype", code)
		body = jsonError(text)
	case rpcCBOR:
		header.Set("Content-Type", "application/cbor")
		header.Set("Smithy-Protocol", "rpc-v2-cbor")
		body = cborError(text)
	case query, ec2Query, restXML:
		header.Set("Content-Type", "text/xml")
		header.Set("X-Amz-Request-Id", id)
		body = xmlError(kind, text, id)
	}
	w.WriteHeader(http.StatusNotImplemented)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // whoever asked may be gone
	}
}

func jsonError(text string) []byte {
	body, err := json.Marshal(struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
	}{code, text})
	if err != nil {
		panic(err) // two strings are always encoded
	}
	return body
}

// xmlError words an error as the query protocol, EC2 or S3 does.
func xmlError(kind protocol, text, id string) []byte {
	var b bytes.Buffer
	wrap := map[protocol][2]string{
		query:    {"<ErrorResponse><Error><Type>Sender</Type>", "</Error><RequestId>" + id + "</RequestId></ErrorResponse>"},
		ec2Query: {"<Response><Errors><Error>", "</Error></Errors><RequestID>" + id + "</RequestID></Response>"},
		restXML:  {"<Error>", "<RequestId>" + id + "</RequestId></Error>"},
	}[kind]
	b.WriteString(xml.Header + wrap[0] + "<Code>" + code + "</Code><Message>")
	_ = xml.EscapeText(&b, []byte(text)) // never fails: see bytes.Buffer
	b.WriteString("</Message>" + wrap[1])
	return b.Bytes()
}

// cborError is {"__type": code, "message": text}, RFC 8949.
func cborError(text string) []byte {
	b := []byte{0xa2} // a map of two
	for _, s := range []string{"__type", code, "message", text} {
		b = append(b, 0x79, byte(len(s)>>8), byte(len(s))) // a text of 16 bits of length
		b = append(b, s...)
	}
	return b
}

// message says why, and what to do.
func message(service string) string {
	name, variable := "another service", "AWS_ENDPOINT_URL_SERVICE"
	if service != "" {
		name, variable = "the service "+service, Variable(service)
	}
	return fmt.Sprintf("This request is for %s, and hearth serves AWS Lambda. "+
		"Set AWS_ENDPOINT_URL_LAMBDA in the place of AWS_ENDPOINT_URL to send requests of Lambda alone to hearth, or %s to where that service is.", name, variable)
}

// Variable returns the environment variable that tells AWS's SDKs where a service is,
// by the service's signing name, such as "dynamodb".
func Variable(service string) string { return "AWS_ENDPOINT_URL_" + sdkID(service) }

// sdkIDs are the names of services in variables, where they are not the signing names.
var sdkIDs = map[string]string{
	"apigateway": "API_GATEWAY", "cognito-idp": "COGNITO_IDENTITY_PROVIDER", "elasticloadbalancing": "ELASTIC_LOAD_BALANCING_V2",
	"events": "EVENTBRIDGE", "execute-api": "APIGATEWAYMANAGEMENTAPI", "logs": "CLOUDWATCH_LOGS", "monitoring": "CLOUDWATCH", "route53": "ROUTE_53",
	"secretsmanager": "SECRETS_MANAGER", "states": "SFN", "ses": "SESV2", "aoss": "OPENSEARCHSERVERLESS", "es": "OPENSEARCH",
}

// sdkID is what a service is called in a variable of the SDKs.
func sdkID(signed string) string {
	if id := sdkIDs[signed]; id != "" {
		return id
	}
	return strings.ToUpper(strings.NewReplacer("-", "_", " ", "_").Replace(signed))
}
