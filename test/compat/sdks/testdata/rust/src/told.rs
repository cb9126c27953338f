//! What the story is told with.

use aws_sdk_lambda::config::retry::RetryConfig;
use aws_sdk_lambda::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_lambda::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_lambda::operation::RequestId;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::{Client, Config};
use std::collections::{BTreeMap, HashMap};

pub type Failure = Box<dyn std::error::Error>;

/// A client that does not retry. The SDK reads the environment with a crate that
/// brings TLS along: here, it is read by hand.
pub fn client() -> Client {
    let credentials = Credentials::new(variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY"), None, None, "environment");
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region()))
        .credentials_provider(credentials)
        .endpoint_url(variable("AWS_ENDPOINT_URL"))
        .retry_config(RetryConfig::disabled())
        .http_client(aws_smithy_http_client::Builder::new().build_http());
    Client::from_conf(config.build())
}

pub fn region() -> String {
    variable("AWS_REGION")
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set"))
}

pub fn archive(name: &str) -> Result<Blob, Failure> {
    let directory = std::env::args().nth(1).ok_or("no directory")?;
    Ok(Blob::new(std::fs::read(std::path::Path::new(&directory).join(name))?))
}

/// Prints what is told of something: options, None being something to tell too.
macro_rules! tell {
    ($what:expr, $($told:expr),+) => {
        println!("{}: {}", $what, [$($told.as_ref().map(|told| told.to_string()).unwrap_or("None".into())),+].join(" ").replace('\n', " "))
    };
}
pub(crate) use tell;

/// The operation must have failed, with an error that has a request id.
pub fn refused<T, E>(what: &str, result: Result<T, SdkError<E>>) -> Result<E, Failure>
where
    E: std::error::Error + ProvideErrorMetadata + RequestId + 'static,
{
    match result {
        Err(SdkError::ServiceError(failed)) => {
            let status = failed.raw().status().as_u16();
            let error = failed.into_err();
            error.request_id().ok_or("no request id")?;
            println!("{what}: {} ({status}) {}", error.code().unwrap_or_default(), error.message().unwrap_or_default().replace('\n', " "));
            Ok(error)
        }
        Err(other) => Err(format!("{what}: {other:?}").into()),
        Ok(_) => Err(format!("{what}: not refused").into()),
    }
}

pub fn json(members: HashMap<String, String>) -> String {
    let sorted: BTreeMap<_, _> = members.into_iter().collect();
    serde_json::to_string(&sorted).expect("a map of strings is JSON")
}

/// The tail of a log comes in base 64.
pub fn log(encoded: Option<&str>) -> String {
    let bytes = aws_smithy_types::base64::decode(encoded.unwrap_or_default()).expect("the log is base 64");
    String::from_utf8(bytes).expect("the log is text")
}
