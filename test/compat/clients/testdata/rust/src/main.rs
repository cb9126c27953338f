//! The function of the tests of lambda_runtime; contract_test.go says what the
//! events ask for.
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lambda_runtime::{
    run, run_concurrent, service_fn, spawn_graceful_shutdown_handler, Context, Diagnostic, Error, LambdaEvent,
};
use serde::Deserialize;
use serde_json::{json, Value};

mod stream;

static CALLS: AtomicUsize = AtomicUsize::new(0);

#[derive(Deserialize)]
struct Event {
    #[serde(rename = "do")]
    action: String,
    #[serde(default)]
    value: Value,
    #[serde(default)]
    size: usize,
}

/// An error with a type of its own: the client reports the type's name.
#[derive(Debug)]
struct Refusal(String);

impl From<Refusal> for Diagnostic {
    fn from(refusal: Refusal) -> Diagnostic {
        Diagnostic { error_type: "Refusal".into(), error_message: refusal.0 }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    match std::env::var("_HANDLER")?.as_str() {
        "broken.handler" => Err("not today".into()),
        "stream.handler" => run(service_fn(stream::handle)).await,
        "concurrent.handler" => run_concurrent(service_fn(handle)).await,
        "graceful.handler" => {
            spawn_graceful_shutdown_handler(|| async { println!("function: SIGTERM") }).await;
            run(service_fn(handle)).await
        }
        _ => run(service_fn(handle)).await,
    }
}

async fn handle(event: LambdaEvent<Event>) -> Result<Value, Refusal> {
    let calls = CALLS.fetch_add(1, Ordering::SeqCst) + 1;
    let (event, context) = event.into_parts();
    match event.action.as_str() {
        "return" => Ok(event.value),
        "make" => Ok("x".repeat(event.size).into()),
        "count" => Ok(calls.into()),
        "context" => Ok(describe(&context)),
        "log" => {
            println!("to standard output");
            eprintln!("to standard error");
            Ok(Value::Null)
        }
        "fail" => Err(Refusal("no such thing".to_owned() + &"!".repeat(event.size))),
        "sleep" => {
            tokio::time::sleep(Duration::from_millis(event.size as u64)).await;
            Ok(event.value)
        }
        "panic" => panic!("on the {}", "floor"),
        "exit" => std::process::exit(3),
        action => Err(Refusal(format!("do not know how to {action}"))),
    }
}

fn describe(context: &Context) -> Value {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
    json!({
        "requestId": context.request_id,
        "arn": context.invoked_function_arn,
        "name": context.env_config.function_name,
        "version": context.env_config.version,
        "memory": context.env_config.memory,
        "logGroup": context.env_config.log_group,
        "logStream": context.env_config.log_stream,
        "remaining": context.deadline as i64 - now.as_millis() as i64,
        "trace": context.xray_trace_id,
        "custom": context.client_context.as_ref().map(|client| &client.custom),
    })
}
