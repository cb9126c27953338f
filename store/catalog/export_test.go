package catalog

import (
	"context"

	"github.com/hearthd/hearth/store/schema"
)

// OpenWith is Open with other forms of functions and aliases than package schema's.
func OpenWith(ctx context.Context, opts Options, function, alias schema.Kind) (*Catalog, error) {
	return open(ctx, opts, forms{function: function, alias: alias})
}
