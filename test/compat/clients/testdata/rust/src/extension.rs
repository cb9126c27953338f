//! An external extension on the lambda-extension crate. It says on standard
//! output what it receives: of the Logs API if its file is named rust-logs, of
//! the Telemetry API otherwise.
use lambda_extension::{
    service_fn, Error, Extension, LambdaEvent, LambdaLog, LambdaLogRecord, LambdaTelemetry, LambdaTelemetryRecord, LogBuffering,
    NextEvent, SharedService,
};

const TYPES: &[&str] = &["platform", "function"];
const BUFFERING: LogBuffering = LogBuffering { timeout_ms: 25, max_bytes: 262_144, max_items: 1_000 };

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let program = std::env::args().next().unwrap_or_default();
    let extension = Extension::new().with_events(&["INVOKE", "SHUTDOWN"]);
    if program.ends_with("/rust-logs") {
        return extension
            .with_events_processor(service_fn(|event| event_came("logs", event)))
            .with_log_types(TYPES)
            .with_log_buffering(BUFFERING)
            .with_logs_processor(SharedService::new(service_fn(logs_came)))
            .run()
            .await;
    }
    extension
        .with_events_processor(service_fn(|event| event_came("telemetry", event)))
        .with_telemetry_types(TYPES)
        .with_telemetry_buffering(BUFFERING)
        .with_telemetry_processor(SharedService::new(service_fn(telemetry_came)))
        .run()
        .await
}

async fn event_came(who: &'static str, event: LambdaEvent) -> Result<(), Error> {
    match event.next {
        NextEvent::Invoke(e) => println!("{who}: INVOKE {} {}", e.request_id, e.invoked_function_arn),
        NextEvent::Shutdown(e) => println!("{who}: SHUTDOWN {}", e.shutdown_reason),
    }
    Ok(())
}

async fn logs_came(batch: Vec<LambdaLog>) -> Result<(), Error> {
    for entry in batch {
        match entry.record {
            LambdaLogRecord::Function(line) => println!("logs: function {}", line.trim_end()),
            LambdaLogRecord::PlatformStart { request_id } => println!("logs: start {request_id}"),
            LambdaLogRecord::PlatformReport { request_id, metrics } => {
                println!("logs: report {request_id} of {} MB", metrics.memory_size_mb)
            }
            _ => {}
        }
    }
    Ok(())
}

async fn telemetry_came(batch: Vec<LambdaTelemetry>) -> Result<(), Error> {
    use LambdaTelemetryRecord::*;
    for entry in batch {
        match entry.record {
            Function(line) => println!("telemetry: function {}", line.trim_end()),
            PlatformInitStart { initialization_type, .. } => println!("telemetry: initStart {initialization_type:?}"),
            PlatformStart { request_id, version, .. } => println!("telemetry: start {request_id} {}", version.unwrap_or_default()),
            PlatformRuntimeDone { request_id, status, .. } => println!("telemetry: runtimeDone {request_id} {status:?}"),
            PlatformReport { request_id, status, .. } => println!("telemetry: report {request_id} {status:?}"),
            _ => {}
        }
    }
    Ok(())
}
