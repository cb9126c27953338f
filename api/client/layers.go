package client

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
)

const layersPath = "/2018-10-31/layers"

// LayerVersion is what the daemon says of a version of a layer.
type LayerVersion struct {
	LayerVersionArn         string
	Version                 int64
	Description             string   `json:",omitempty"`
	CreatedDate             string   `json:",omitempty"`
	CompatibleArchitectures []string `json:",omitempty"`
	CompatibleRuntimes      []string `json:",omitempty"`
	LicenseInfo             string   `json:",omitempty"`
}

// Layer is a layer with its newest version.
type Layer struct {
	LayerName             string
	LayerArn              string
	LatestMatchingVersion LayerVersion
}

// LayerInput describes a layer version to publish.
type LayerInput struct {
	Description             string   `json:",omitempty"`
	CompatibleRuntimes      []string `json:",omitempty"`
	CompatibleArchitectures []string `json:",omitempty"`
}

// ListLayers returns all layers, in the daemon's order.
func (c *Client) ListLayers(ctx context.Context) ([]Layer, error) {
	layers, err := listAll[Layer](ctx, c, layersPath, "Layers")
	if err != nil {
		return nil, fmt.Errorf("list layers: %w", err)
	}
	return layers, nil
}

// ListLayerVersions returns all versions of a layer, the newest first.
func (c *Client) ListLayerVersions(ctx context.Context, layer string) ([]LayerVersion, error) {
	versions, err := listAll[LayerVersion](ctx, c, layerPath(layer), "LayerVersions")
	if err != nil {
		return nil, fmt.Errorf("list versions of layer %s: %w", layer, err)
	}
	return versions, nil
}

// PublishLayerVersion publishes a ZIP archive as the next version of a layer.
func (c *Client) PublishLayerVersion(ctx context.Context, layer string, in LayerInput, archive []byte) (LayerVersion, error) {
	type content struct{ ZipFile []byte }
	input := struct {
		LayerInput
		Content content
	}{in, content{archive}}
	var version LayerVersion
	if err := c.call(ctx, request{method: http.MethodPost, path: layerPath(layer)}, input, &version); err != nil {
		return LayerVersion{}, fmt.Errorf("publish layer %s: %w", layer, err)
	}
	return version, nil
}

// DeleteLayerVersion deletes a version. Functions that have it keep it.
func (c *Client) DeleteLayerVersion(ctx context.Context, layer string, version int64) error {
	path := layerPath(layer) + "/" + strconv.FormatInt(version, 10)
	if err := c.call(ctx, request{method: http.MethodDelete, path: path}, nil, nil); err != nil {
		return fmt.Errorf("delete version %d of layer %s: %w", version, layer, err)
	}
	return nil
}

func layerPath(layer string) string { return layersPath + "/" + url.PathEscape(layer) + "/versions" }
