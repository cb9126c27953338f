//! The handler that streams: stream_test.go says what the events ask for.
use std::time::Duration;

use lambda_runtime::streaming::{channel, Body, Response};
use lambda_runtime::{Error, LambdaEvent, MetadataPrelude};
use serde::Deserialize;

#[derive(Deserialize)]
pub struct Event {
    #[serde(rename = "do")]
    action: String,
    #[serde(default)]
    pause: u64,
}

pub async fn handle(event: LambdaEvent<Event>) -> Result<Response<Body>, Error> {
    let event = event.payload;
    if event.action == "fail-early" {
        return Err("early".into());
    }
    let (mut sender, body) = channel();
    let mut response = Response::from(body);
    if event.action == "http" {
        let mut headers = http::HeaderMap::new();
        headers.insert("x-a", "1".parse()?);
        response.metadata_prelude =
            MetadataPrelude { status_code: http::StatusCode::IM_A_TEAPOT, headers, cookies: vec!["c=d".into()] };
    }
    // It fails when the caller has gone, and then there is nothing left to do.
    tokio::spawn(async move {
        match event.action.as_str() {
            "write" => {
                sender.send_data("first ".into()).await?;
                tokio::time::sleep(Duration::from_millis(event.pause)).await;
                sender.send_data("second".into()).await
            }
            "http" => sender.send_data("body".into()).await,
            _ => {
                sender.send_data("prefix".into()).await?;
                sender.abort();
                Ok(())
            }
        }
    });
    Ok(response)
}
