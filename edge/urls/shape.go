package urls

import (
	"cmp"
	"reflect"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
)

// described is a configuration as it is read: with an invoke mode, whether one
// was set or not.
func (s *Service) described(u *hearth.FunctionURL) api.GetFunctionUrlConfigOutput {
	return api.GetFunctionUrlConfigOutput{
		FunctionUrl: api.Ptr(s.url(u)), FunctionArn: api.Ptr(u.ARN()), AuthType: &u.AuthType, Cors: renderCORS(u.CORS),
		CreationTime: timestamp(u.Created), LastModifiedTime: timestamp(u.Modified),
		InvokeMode: api.Ptr(cmp.Or(u.InvokeMode, hearth.URLBuffered)),
	}
}

// item is described, as a part of a list.
func (s *Service) item(u *hearth.FunctionURL) *api.FunctionUrlConfig {
	d := s.described(u)
	return &api.FunctionUrlConfig{
		FunctionUrl: d.FunctionUrl, FunctionArn: d.FunctionArn, CreationTime: d.CreationTime,
		LastModifiedTime: d.LastModifiedTime, Cors: d.Cors, AuthType: d.AuthType, InvokeMode: d.InvokeMode,
	}
}

// timestamp is in ISO 8601 with microseconds, unlike the times of functions.
func timestamp(t time.Time) *string {
	return api.Ptr(t.UTC().Format("2006-01-02T15:04:05.000000Z"))
}

// corsOf returns nil for an empty object too: it is how CORS is turned off.
func corsOf(c *api.Cors) *hearth.CORS {
	if c == nil || reflect.ValueOf(*c).IsZero() {
		return nil
	}
	return &hearth.CORS{
		AllowCredentials: c.AllowCredentials, AllowHeaders: c.AllowHeaders, AllowMethods: c.AllowMethods,
		AllowOrigins: c.AllowOrigins, ExposeHeaders: c.ExposeHeaders, MaxAge: c.MaxAge,
	}
}

func renderCORS(c *hearth.CORS) *api.Cors {
	if c == nil {
		return nil
	}
	return &api.Cors{
		AllowCredentials: c.AllowCredentials, AllowHeaders: c.AllowHeaders, AllowMethods: c.AllowMethods,
		AllowOrigins: c.AllowOrigins, ExposeHeaders: c.ExposeHeaders, MaxAge: c.MaxAge,
	}
}
