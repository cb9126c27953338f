//! The life of a function, as the AWS SDK for Rust tells it; see
//! testdata/life.txt.
//!
//! life DIRECTORY: first.zip, second.zip and layer.zip are there, RUNTIME is
//! the function's runtime.

mod told;

use aws_sdk_lambda::client::Waiters;
use aws_sdk_lambda::operation::invoke::InvokeOutput;
use aws_sdk_lambda::operation::update_function_configuration::builders::UpdateFunctionConfigurationFluentBuilder;
use aws_sdk_lambda::operation::update_function_configuration::UpdateFunctionConfigurationOutput;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{
    AliasRoutingConfiguration, Environment, FunctionCode, FunctionUrlAuthType, InvocationType, InvokeMode,
    InvokeWithResponseStreamResponseEvent, LayerVersionContentInput, LogType, Runtime,
};
use aws_sdk_lambda::Client;
use serde_json::Value;
use std::time::Duration;
use told::{archive, client, json, log, refused, region, tell, Failure};

const LIFE: &str = "life";
const PATIENCE: Duration = Duration::from_secs(60);

type Told = Result<(), Failure>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Told {
    let life = Life { client: client() };
    life.create().await?;
    life.invocations().await?;
    life.updates().await?;
    life.versions().await?;
    life.layers().await?;
    life.policies().await?;
    life.concurrency().await?;
    life.settings().await?;
    life.mappings().await?;
    life.tags().await?;
    life.streams().await?;
    life.end().await
}

struct Life {
    client: Client,
}

impl Life {
    async fn invoke(&self, event: &str, qualifier: Option<&str>) -> Result<InvokeOutput, Failure> {
        let call = self.client.invoke().function_name(LIFE).payload(Blob::new(event));
        Ok(call.set_qualifier(qualifier.map(String::from)).send().await?)
    }

    async fn answer(&self, event: &str) -> Result<String, Failure> {
        Ok(payload(&self.invoke(event, None).await?))
    }

    async fn updated(&self) -> Told {
        self.client.wait_until_function_updated_v2().function_name(LIFE).wait(PATIENCE).await?;
        Ok(())
    }

    fn settings_of(&self) -> UpdateFunctionConfigurationFluentBuilder {
        self.client.update_function_configuration().function_name(LIFE)
    }

    async fn configure(
        &self,
        settings: UpdateFunctionConfigurationFluentBuilder,
    ) -> Result<UpdateFunctionConfigurationOutput, Failure> {
        let out = settings.send().await?;
        self.updated().await?;
        Ok(out)
    }

    async fn create(&self) -> Told {
        let creation = self
            .client
            .create_function()
            .function_name(LIFE)
            .role("arn:aws:iam::000000000000:role/any")
            .runtime(Runtime::from(std::env::var("RUNTIME")?.as_str()))
            .handler("app.handler")
            .code(FunctionCode::builder().zip_file(archive("first.zip")?).build());
        let out = creation.clone().send().await?;
        tell!("created", out.state, out.state_reason_code, out.timeout, out.memory_size, out.code_sha256);
        self.client.wait_until_function_active_v2().function_name(LIFE).wait(PATIENCE).await?;
        let now = self.client.get_function().function_name(LIFE).send().await?.configuration.ok_or("no configuration")?;
        tell!("active", now.state, now.last_update_status, now.version);
        let error = refused("duplicate", creation.send().await)?;
        assert!(error.is_resource_conflict_exception());
        Ok(())
    }

    async fn invocations(&self) -> Told {
        let said = Blob::new(r#"{"do":"say","word":"tea"}"#);
        let call = self.client.invoke().function_name(LIFE).payload(said);
        let out = call.clone().log_type(LogType::Tail).send().await?;
        tell!("invoked", Some(out.status_code), out.executed_version, Some(payload(&out)));
        tell!("log", log(out.log_result()).lines().find(|line| line.starts_with("said")));
        let out = self.invoke(r#"{"do":"fail"}"#, None).await?;
        let failure: Value = serde_json::from_str(&payload(&out))?;
        let (kind, message) = (failure["errorType"].as_str(), failure["errorMessage"].as_str());
        tell!("failed", Some(out.status_code), out.function_error, kind, message);
        tell!("event", Some(call.clone().invocation_type(InvocationType::Event).send().await?.status_code));
        tell!("dry run", Some(call.invocation_type(InvocationType::DryRun).send().await?.status_code));
        let call = self.client.invoke().function_name(LIFE);
        let error = refused("no JSON", call.clone().payload(Blob::new("{")).send().await)?;
        assert!(error.is_invalid_request_content_exception());
        let large = format!("\"{}\"", "x".repeat(6 << 20));
        refused("too large", call.payload(Blob::new(large)).send().await)?;
        Ok(())
    }

    async fn updates(&self) -> Told {
        let second = archive("second.zip")?;
        let out = self.client.update_function_code().function_name(LIFE).zip_file(second).send().await?;
        tell!("updating", out.last_update_status, out.last_update_status_reason_code, out.code_sha256);
        self.updated().await?;
        tell!("updated", Some(self.answer(r#"{"do":"say","word":"tea"}"#).await?));
        let stale = self.client.get_function_configuration().function_name(LIFE).send().await?.revision_id;
        let green = Environment::builder().variables("COLOUR", "green").build();
        let out = self.configure(self.settings_of().timeout(30).memory_size(256).environment(green)).await?;
        let variables = out.environment.and_then(|environment| environment.variables);
        tell!("configured", out.timeout, out.memory_size, variables.map(json));
        tell!("settings", Some(self.answer(r#"{"do":"settings"}"#).await?));
        let error = refused("stale", self.settings_of().timeout(31).set_revision_id(stale).send().await)?;
        assert!(error.is_precondition_failed_exception());
        refused("too long", self.settings_of().timeout(901).send().await)?;
        Ok(())
    }

    async fn versions(&self) -> Told {
        let publish = self.client.publish_version().function_name(LIFE);
        let (first, again) = (publish.clone().send().await?.version, publish.clone().send().await?.version);
        self.configure(self.settings_of().description("second")).await?;
        let second = publish.description("two").send().await?.version;
        self.client.wait_until_published_version_active().function_name(LIFE).qualifier("2").wait(PATIENCE).await?;
        tell!("published", first, again, second);

        let alias = self.client.create_alias().function_name(LIFE).name("live").function_version("1").send().await?;
        let out = self.invoke(r#"{"do":"settings"}"#, Some("live")).await?;
        tell!("alias", alias.name, alias.function_version, Some(payload(&out)));
        let weights = AliasRoutingConfiguration::builder().additional_version_weights("2", 1.0).build();
        let alias = self.client.update_alias().function_name(LIFE).name("live").routing_config(weights).send().await?;
        let weights = alias.routing_config.and_then(|routing| routing.additional_version_weights).unwrap_or_default();
        let out = self.invoke(r#"{"do":"settings"}"#, Some("live")).await?;
        tell!("weights", weights.keys().next(), out.executed_version);

        self.client.create_alias().function_name(LIFE).name("next").function_version("$LATEST").send().await?;
        let mut names = vec![];
        let mut pages = self.client.list_aliases().function_name(LIFE).into_paginator().page_size(1).send();
        while let Some(page) = pages.try_next().await? {
            names.extend(page.aliases.unwrap_or_default().into_iter().filter_map(|alias| alias.name));
        }
        tell!("aliases", Some(names.join(" ")));
        let mut numbers = vec![];
        let mut pages = self.client.list_versions_by_function().function_name(LIFE).into_paginator().page_size(1).send();
        while let Some(page) = pages.try_next().await? {
            let size = page.versions().len();
            numbers.extend(page.versions().iter().map(|v| format!("{}/{size}", v.version().unwrap_or_default())));
        }
        tell!("versions", Some(numbers.join(" ")));
        Ok(())
    }

    async fn layers(&self) -> Told {
        let content = LayerVersionContentInput::builder().zip_file(archive("layer.zip")?).build();
        let layer = self.client.publish_layer_version().layer_name("words").content(content).description("a word").send().await?;
        let arn = layer.layer_version_arn.unwrap_or_default();
        tell!("layer", arn.split(":layer:").nth(1), layer.content.map(|content| content.code_size));
        self.configure(self.settings_of().layers(arn)).await?;
        tell!("in the layer", Some(self.answer(r#"{"do":"layer"}"#).await?));
        let list = self.client.list_layer_versions().layer_name("words");
        for version in list.clone().send().await?.layer_versions() {
            tell!("layers", Some(version.version()), version.description());
        }
        self.client.delete_layer_version().layer_name("words").version_number(1).send().await?;
        tell!("layers", Some(list.send().await?.layer_versions().len()));
        Ok(())
    }

    async fn policies(&self) -> Told {
        let grant = self.client.add_permission().function_name(LIFE).statement_id("bucket");
        let out = grant.action("lambda:InvokeFunction").principal("s3.amazonaws.com").send().await?;
        let statement: Value = serde_json::from_str(out.statement().unwrap_or_default())?;
        tell!("permission", Some(&statement["Principal"]));
        let policy = self.client.get_policy().function_name(LIFE);
        let document: Value = serde_json::from_str(policy.clone().send().await?.policy().unwrap_or_default())?;
        for statement in document["Statement"].as_array().ok_or("no statements")? {
            tell!("policy", statement["Sid"].as_str(), statement["Effect"].as_str(), statement["Action"].as_str());
        }
        self.client.remove_permission().function_name(LIFE).statement_id("bucket").send().await?;
        let error = refused("no policy", policy.send().await)?;
        assert!(error.is_resource_not_found_exception());
        Ok(())
    }

    async fn concurrency(&self) -> Told {
        let put = self.client.put_function_concurrency().function_name(LIFE);
        tell!("reserved", put.reserved_concurrent_executions(0).send().await?.reserved_concurrent_executions);
        let result = self.client.invoke().function_name(LIFE).send().await;
        let header = result.as_ref().err().and_then(|error| error.raw_response()?.headers().get("retry-after").map(String::from));
        match refused("throttled", result)? {
            aws_sdk_lambda::operation::invoke::InvokeError::TooManyRequestsException(error) => {
                tell!("throttle", error.reason, error.retry_after_seconds, header);
            }
            other => return Err(other.into()),
        }
        self.client.delete_function_concurrency().function_name(LIFE).send().await?;
        let none = self.client.get_function_concurrency().function_name(LIFE).send().await?.reserved_concurrent_executions;
        tell!("reserved", none);
        Ok(())
    }

    async fn settings(&self) -> Told {
        let put = self.client.put_function_event_invoke_config().function_name(LIFE);
        let config = put.maximum_retry_attempts(1).maximum_event_age_in_seconds(60).send().await?;
        tell!("event config", config.maximum_retry_attempts, config.maximum_event_age_in_seconds);
        let listed = self.client.list_function_event_invoke_configs().function_name(LIFE).send().await?;
        tell!("event configs", Some(listed.function_event_invoke_configs().len()));
        self.client.delete_function_event_invoke_config().function_name(LIFE).send().await?;
        let result = self.client.get_function_event_invoke_config().function_name(LIFE).send().await;
        assert!(refused("no event config", result)?.is_resource_not_found_exception());

        let create = self.client.create_function_url_config().function_name(LIFE);
        let url = create.auth_type(FunctionUrlAuthType::None).send().await?;
        let update = self.client.update_function_url_config().function_name(LIFE).auth_type(FunctionUrlAuthType::AwsIam);
        let changed = update.invoke_mode(InvokeMode::ResponseStream).send().await?;
        let now = self.client.get_function_url_config().function_name(LIFE).send().await?;
        tell!("url", Some(url.auth_type), Some(changed.auth_type), now.invoke_mode);
        self.client.delete_function_url_config().function_name(LIFE).send().await?;
        let listed = self.client.list_function_url_configs().function_name(LIFE).send().await?;
        tell!("urls", Some(listed.function_url_configs().len()));
        Ok(())
    }

    async fn mappings(&self) -> Told {
        let queue = format!("arn:aws:sqs:{}:000000000000:orders", region());
        let create = self.client.create_event_source_mapping().function_name(LIFE).event_source_arn(queue);
        let created = create.batch_size(5).send().await?;
        let uuid = created.uuid.unwrap_or_default();
        let enabled = self.await_mapping(&uuid, "Enabled").await?;
        let disabling = self.client.update_event_source_mapping().uuid(&uuid).enabled(false).send().await?.state;
        let disabled = self.await_mapping(&uuid, "Disabled").await?;
        let deleting = self.client.delete_event_source_mapping().uuid(&uuid).send().await?.state;
        tell!("mapping", created.batch_size, created.state, Some(enabled), disabling, Some(disabled), deleting);
        Ok(())
    }

    async fn await_mapping(&self, uuid: &str, state: &str) -> Result<String, Failure> {
        loop {
            let now = self.client.get_event_source_mapping().uuid(uuid).send().await?.state.unwrap_or_default();
            if now == state {
                return Ok(now);
            }
            if !["Creating", "Enabling", "Disabling", "Updating"].contains(&now.as_str()) {
                return Err(now.into());
            }
        }
    }

    async fn tags(&self) -> Told {
        let configuration = self.client.get_function_configuration().function_name(LIFE).send().await?;
        let arn = configuration.function_arn.unwrap_or_default();
        self.client.tag_resource().resource(&arn).tags("team", "tea").tags("stage", "test").send().await?;
        tell!("tags", self.client.list_tags().resource(&arn).send().await?.tags.map(json));
        self.client.untag_resource().resource(&arn).tag_keys("stage").send().await?;
        tell!("tags", self.client.list_tags().resource(&arn).send().await?.tags.map(json));
        Ok(())
    }

    async fn streams(&self) -> Told {
        self.configure(self.settings_of().handler("app.stream")).await?;
        let call = self.client.invoke_with_response_stream().function_name(LIFE).payload(Blob::new("{}"));
        let mut out = call.send().await?;
        let (mut text, mut completed) = (vec![], None);
        while let Some(event) = out.event_stream.recv().await? {
            match event {
                InvokeWithResponseStreamResponseEvent::PayloadChunk(chunk) => {
                    text.extend(chunk.payload.map(Blob::into_inner).unwrap_or_default());
                }
                InvokeWithResponseStreamResponseEvent::InvokeComplete(end) => {
                    completed = Some(end.error_code.unwrap_or("completed".to_string()));
                }
                other => return Err(format!("{other:?}").into()),
            }
        }
        tell!("stream", Some(out.status_code), Some(String::from_utf8(text)?), completed);
        Ok(())
    }

    async fn end(&self) -> Told {
        self.client.delete_alias().function_name(LIFE).name("next").send().await?;
        self.client.delete_alias().function_name(LIFE).name("live").send().await?;
        self.client.delete_function().function_name(LIFE).qualifier("1").send().await?;
        let listed = self.client.list_versions_by_function().function_name(LIFE).send().await?;
        let numbers: Vec<_> = listed.versions().iter().filter_map(|version| version.version()).collect();
        tell!("versions", Some(numbers.join(" ")));
        self.client.delete_function().function_name(LIFE).send().await?;
        let error = refused("deleted", self.client.get_function().function_name(LIFE).send().await)?;
        assert!(error.is_resource_not_found_exception());
        Ok(())
    }
}

fn payload(out: &InvokeOutput) -> String {
    out.payload().map(|blob| String::from_utf8_lossy(blob.as_ref()).into_owned()).unwrap_or_default()
}
