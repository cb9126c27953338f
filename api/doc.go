// Package api is the wire of the Lambda API: shapes, routes and validation
// generated from AWS's service model, and the one table that turns an error
// kind into an AWS error code, status and body.
//
// A package that implements operations registers functions on a Router:
//
//	r := api.NewRouter(api.Options{Logger: log})
//	api.Handle(r, api.GetFunction, s.getFunction)
//	api.Handle(r, api.Invoke, s.invoke)
//
// where a handler is func(context.Context, *api.InvokeInput)
// (*api.InvokeOutput, error). A request's way through the Router:
//
//	path, method, query ── route ── read body (bounded, once) ── bind ── validate ── handler ── encode
//	                         │ 404, 501        │ 413               │ 400     │ 400        │ error table
//
// Handlers see inputs that satisfy every constraint of the model. Optional
// members are pointers, nil slices or nil maps, so that absent differs from
// empty; Ptr and Value convert. Call, from CallFrom, carries the request id
// and the HTTP request. Errors that handlers return cross the wire as
// WriteError says; one that is not of a kind of package hearth becomes a
// ServiceException without detail, and is logged.
//
// The files zz_*.go come from internal/apigen, which reads the model from the
// botocore package at a pinned version, and lays internal/apigen/overlay.json
// over it: operations newer than that version, and constraints whose text on
// AWS differs from the model.
//
// The package does not authenticate, and knows nothing of functions: accounts
// and regions are put into the context by whoever stands before the Router.
package api

//go:generate go run ../internal/apigen -overlay ../internal/apigen/overlay.json -out .
