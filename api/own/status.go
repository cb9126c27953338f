package own

// Status is what a daemon does at the moment, and how it was told to.
type Status struct {
	Version string `json:"version"`
	Sandbox string `json:"sandbox"`
	Network string `json:"network"` // none, nat or host: what there is, not what was asked for
	Clock   string `json:"clock"`   // ClockReal or ClockTest
	Auth    bool   `json:"auth"`    // requests are held to signatures
	// Missing is what this host does not let the daemon enforce.
	Missing []string `json:"missing,omitempty"`

	Functions    []FunctionCount `json:"functions"`
	Environments Environments    `json:"environments"`
	Events       EventCount      `json:"events"`
}

// FunctionCount counts the functions of an account in a region.
type FunctionCount struct {
	Account   string `json:"account"`
	Region    string `json:"region"`
	Functions int    `json:"functions"`
}

// Environments counts execution environments, and what runs in them.
type Environments struct {
	All            int `json:"all"`
	Idle           int `json:"idle"`
	Starting       int `json:"starting"`
	Invocations    int `json:"invocations"` // in progress, or waiting for an environment
	MaxConcurrency int `json:"maxConcurrency"`
	Memory         int `json:"memory"`    // MB that they are promised
	MaxMemory      int `json:"maxMemory"` // MB
}

// EventCount counts the asynchronous events there are; see Events.
type EventCount struct {
	Ready   int `json:"ready"`
	Running int `json:"running"`
	Delayed int `json:"delayed"`
}
