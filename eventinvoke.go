package hearth

import "time"

// EventInvokeConfig is what a function, a version or an alias does with events
// that nobody waits for. It is a value; holders of a copy never see it change.
type EventInvokeConfig struct {
	Function  Name
	Qualifier string // Latest, a version or an alias; never empty

	MaximumRetryAttempts *int   // 0-2; nil: not set
	MaximumEventAge      *int   // seconds, 60-21600; nil: not set
	OnSuccess            string // destination ARN; empty: none
	OnFailure            string // destination ARN; empty: none
	LastModified         time.Time
}

// ARN returns the ARN of what the configuration is for, always qualified.
func (c *EventInvokeConfig) ARN() string { return c.Function.ARN(c.Qualifier) }
