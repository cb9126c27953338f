package schema

import (
	"strings"
	"time"

	"github.com/hearthd/hearth"
)

// record has the fields of all platform events; those of other kinds are empty.
type record struct {
	InitializationType string       `json:"initializationType,omitempty"`
	Phase              string       `json:"phase,omitempty"`
	RuntimeVersion     string       `json:"runtimeVersion,omitempty"`
	RuntimeVersionARN  string       `json:"runtimeVersionArn,omitempty"`
	FunctionName       string       `json:"functionName,omitempty"`
	FunctionVersion    string       `json:"functionVersion,omitempty"`
	InstanceID         string       `json:"instanceId,omitempty"`
	InstanceMaxMemory  int64        `json:"instanceMaxMemory,omitempty"`
	RequestID          string       `json:"requestId,omitempty"`
	FunctionARN        string       `json:"functionArn,omitempty"`
	Version            string       `json:"version,omitempty"`
	TenantID           string       `json:"tenantId,omitempty"`
	Status             string       `json:"status,omitempty"`
	ErrorType          string       `json:"errorType,omitempty"`
	Metrics            *metrics     `json:"metrics,omitempty"`
	Spans              []span       `json:"spans,omitempty"`
	Tracing            *tracingInfo `json:"tracing,omitempty"`
}

type metrics struct {
	DurationMs       float64  `json:"durationMs"`
	BilledDurationMs *int64   `json:"billedDurationMs,omitempty"`
	MemorySizeMB     *int     `json:"memorySizeMB,omitempty"`
	MaxMemoryUsedMB  *int     `json:"maxMemoryUsedMB,omitempty"`
	InitDurationMs   *float64 `json:"initDurationMs,omitempty"`
	ProducedBytes    *int64   `json:"producedBytes,omitempty"`
}

type span struct {
	Name       string  `json:"name"`
	Start      string  `json:"start"`
	DurationMs float64 `json:"durationMs"`
}

type tracingInfo struct {
	SpanID string `json:"spanId,omitempty"`
	Type   string `json:"type"`
	Value  string `json:"value"`
}

type extensionRecord struct {
	Name      string   `json:"name"`
	State     string   `json:"state"`
	Events    []string `json:"events"`
	ErrorType string   `json:"errorType,omitempty"`
}

type subscriptionRecord struct {
	Name  string   `json:"name"`
	State string   `json:"state"`
	Types []string `json:"types"`
}

type droppedRecord struct {
	Records int    `json:"droppedRecords"`
	Bytes   int    `json:"droppedBytes"`
	Reason  string `json:"reason"`
}

// telemetry is the record of an event of the Telemetry API.
func (e *Environment) telemetry(v Version, ev *hearth.PlatformEvent) any {
	switch ev.Kind {
	case hearth.EventExtension:
		return extensionRecord{Name: ev.Name, State: ev.State, Events: orEmpty(ev.Events), ErrorType: ev.ErrorType}
	case hearth.EventSubscription, hearth.EventLogsSubscription:
		return subscriptionRecord{Name: ev.Name, State: ev.State, Types: orEmpty(ev.Types)}
	case hearth.EventLogsDropped:
		return droppedRecord{Records: ev.Records, Bytes: ev.Bytes, Reason: ev.Reason}
	}
	rec := record{
		InitializationType: ev.InitType, Phase: ev.Phase, RequestID: ev.RequestID,
		Status: ev.Status, ErrorType: ev.ErrorType, Spans: spans(ev), Tracing: tracing(ev),
	}
	if v != Telemetry2022July && v != Telemetry2022December {
		rec.TenantID = ev.TenantID
	}
	switch ev.Kind {
	case hearth.EventInitStart:
		rec.RuntimeVersion, rec.RuntimeVersionARN = e.RuntimeVersion, e.RuntimeVersionARN
		rec.FunctionName, rec.FunctionVersion = e.Function.Name.Function, e.Function.Version
		rec.InstanceID, rec.InstanceMaxMemory = e.InstanceID, int64(e.Function.MemorySize)<<20
	case hearth.EventInitReport:
		rec.Metrics = &metrics{DurationMs: millis(ev.Duration)}
	case hearth.EventStart:
		rec.Version = e.Function.Version
		if v == Telemetry2025 {
			rec.FunctionARN = ev.ARN
		}
	case hearth.EventRuntimeDone:
		rec.Metrics = &metrics{DurationMs: millis(ev.Duration), ProducedBytes: &ev.ProducedBytes}
	case hearth.EventReport:
		rec.Metrics = reportMetrics(ev)
	}
	return rec
}

func reportMetrics(ev *hearth.PlatformEvent) *metrics {
	m := &metrics{
		DurationMs: millis(ev.Duration), BilledDurationMs: new(ev.Billed().Milliseconds()),
		MemorySizeMB: &ev.MemorySize, MaxMemoryUsedMB: &ev.MaxMemoryUsed,
	}
	if ev.InitDuration > 0 {
		m.InitDurationMs = new(millis(ev.InitDuration))
	}
	return m
}

// tracing is only said of invocations that are traced.
func tracing(ev *hearth.PlatformEvent) *tracingInfo {
	if !strings.Contains(ev.TraceID, "Sampled=1") {
		return nil
	}
	return &tracingInfo{SpanID: spanID(ev.RequestID), Type: "X-Amzn-Trace-Id", Value: ev.TraceID}
}

func spans(ev *hearth.PlatformEvent) []span {
	var all []span
	for _, s := range ev.Spans {
		all = append(all, span{Name: s.Name, Start: s.Start.UTC().Format(TimeLayout), DurationMs: millis(s.Duration)})
	}
	return all
}

// orEmpty makes nil an empty JSON array.
func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// millis has the three decimals that AWS prints.
func millis(d time.Duration) float64 {
	return float64(d.Round(time.Microsecond)) / float64(time.Millisecond)
}
