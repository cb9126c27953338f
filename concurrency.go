package hearth

import (
	"strings"
	"time"
)

// Limits of an account in each of its regions, AWS's.
const (
	// MinUnreserved is how much of the account's concurrency cannot be reserved.
	MinUnreserved = 100
	// MaxCodeSize is what the code of all functions and layers may take, in bytes.
	MaxCodeSize = 80530636800
)

// ReservedConcurrency is the part of an account's concurrency that one function
// has for itself, and may not exceed. Zero: it cannot be invoked.
type ReservedConcurrency struct {
	Function   Name `json:"Function"`
	Executions int  `json:"Executions"`
}

// ProvisionedConcurrency is how many environments of a version, or of what an
// alias points to, are kept initialised ahead.
type ProvisionedConcurrency struct {
	Function     Name      `json:"Function"`
	Qualifier    string    `json:"Qualifier"`  // a published version or an alias
	Executions   int       `json:"Executions"` // at least 1
	LastModified time.Time `json:"LastModified"`
}

// States of provisioned concurrency, in AWS's spelling.
const (
	ProvisioningInProgress = "IN_PROGRESS"
	ProvisioningReady      = "READY"
	ProvisioningFailed     = "FAILED"
)

// Provisioning is how far provisioned concurrency has come.
type Provisioning struct {
	Allocated int    // environments there are, or that are being started
	Available int    // of those, the initialised ones
	Status    string // ProvisioningInProgress, ...
	Reason    string // with ProvisioningFailed: why
}

// CapacityProvider is where managed instances come from. With hearth that is
// this host, whatever the members say of networks and instance types; they are
// kept and shown.
type CapacityProvider struct {
	Account string `json:"Account"`
	Region  string `json:"Region"`
	Name    string `json:"Name"`

	SubnetIDs        []string          `json:"SubnetIDs"`
	SecurityGroupIDs []string          `json:"SecurityGroupIDs"`
	OperatorRole     string            `json:"OperatorRole"`
	Architectures    []string          `json:"Architectures"` // nil: not sent
	AllowedTypes     []string          `json:"AllowedTypes"`
	ExcludedTypes    []string          `json:"ExcludedTypes"`
	MaxVCPUs         int               `json:"MaxVCPUs"`    // 0: not sent
	ScalingMode      string            `json:"ScalingMode"` // Auto, Manual
	ScalingPolicies  []ScalingPolicy   `json:"ScalingPolicies"`
	KMSKeyARN        string            `json:"KMSKeyARN"`
	Tags             map[string]string `json:"Tags"`
	PropagateMode    string            `json:"PropagateMode"` // None, AWSTags, ...; empty: not sent
	PropagateTags    map[string]string `json:"PropagateTags"`
	SystemLogLevel   string            `json:"SystemLogLevel"` // of its telemetry
	LogGroup         string            `json:"LogGroup"`
	LastModified     time.Time         `json:"LastModified"`
}

// ScalingPolicy is a target that a capacity provider's instances are scaled by.
type ScalingPolicy struct {
	Metric string  `json:"Metric"`
	Target float64 `json:"Target"`
}

// ARN returns the provider's ARN.
func (c *CapacityProvider) ARN() string { return CapacityProviderARN(c.Account, c.Region, c.Name) }

// CapacityProviderARN is the ARN of a capacity provider of that name.
func CapacityProviderARN(account, region, name string) string {
	return "arn:" + Partition(region) + ":lambda:" + region + ":" + account + ":capacity-provider:" + name
}

// ManagedInstances is a function's CapacityProviderConfig: its environments run
// on managed instances and take several invocations at a time.
type ManagedInstances struct {
	ProviderARN string `json:"ProviderARN"`
	// MaxConcurrency is how many invocations an environment takes at a time;
	// 0: what is usual for the runtime.
	MaxConcurrency int `json:"MaxConcurrency"`
	// MemoryPerVCPU is in GiB; 0: 2.
	MemoryPerVCPU float64 `json:"MemoryPerVCPU"`
}

// ScalingBounds are how many environments of a version on managed instances
// there are.
type ScalingBounds struct {
	Function  Name   `json:"Function"`
	Qualifier string `json:"Qualifier"`
	Min       int    `json:"Min"` // kept ready; the default is 0 here, as a host has one set of instances
	Max       int    `json:"Max"` // 0: no bound
}

// MaxConcurrency is how many invocations one environment of the function takes
// at a time: one, unless it runs on managed instances.
func (f *Function) MaxConcurrency() int {
	m := f.Managed
	switch {
	case m == nil:
		return 1
	case m.MaxConcurrency > 0:
		return m.MaxConcurrency
	}
	perVCPU := 8 // Rust, and other programs of their own
	for prefix, n := range map[string]int{"nodejs": 64, "java": 32, "dotnet": 32, "python": 16} {
		if strings.HasPrefix(f.Runtime, prefix) {
			perVCPU = n
		}
	}
	memory := m.MemoryPerVCPU
	if memory <= 0 {
		memory = 2
	}
	return max(1, int(float64(f.MemorySize)/1024/memory)) * perVCPU
}
