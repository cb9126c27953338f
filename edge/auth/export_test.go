package auth

import "slices"

// Labels returns the labels of paths that the gate knows what to make of.
func Labels() []string {
	return slices.Concat(arnLabels(), []string{"FunctionName", "LayerName"}, []string{
		"CallbackId", "CapacityProviderName", "Name", "StatementId", "UUID", "VersionNumber", // within the account
	})
}
