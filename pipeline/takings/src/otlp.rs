//! Spans of runs and steps to a collector over OTLP/HTTP, where one is named. What can't be sent is lost, and nothing else with it.

use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::runtime::Tokio;
use opentelemetry_sdk::trace::SdkTracerProvider;
use opentelemetry_sdk::trace::span_processor_with_async_runtime::BatchSpanProcessor;
use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::registry::LookupSpan;

use crate::failure::{Failure, Result};

/// Where spans of a collector go, after its address.
const PATH: &str = "/v1/traces";
/// Runs, steps and what they said; not the libraries.
const SHOWN: &str = "takings=info,takings_scheduler=info";

/// Sends what is left when the program ends.
#[derive(Debug)]
pub struct Traces(SdkTracerProvider);

/// A layer that sends spans to a collector. It must be made within a runtime, which does the sending.
pub fn layer<S>(endpoint: &str) -> Result<(impl Layer<S>, Traces)>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let address = endpoint.trim_end_matches('/');
    let address = if address.ends_with(PATH) { address.to_owned() } else { format!("{address}{PATH}") };
    let refused =
        |reason: &dyn std::fmt::Display| Failure::usage(format!("--otlp {endpoint}: {reason}; write the collector's address, such as http://localhost:4318"));
    if !(address.starts_with("http://") || address.starts_with("https://")) {
        return Err(refused(&"it is no http address"));
    }
    let exporter = SpanExporter::builder().with_http().with_protocol(Protocol::HttpBinary).with_endpoint(address).build().map_err(|error| refused(&error))?;
    let mut resource = Resource::builder();
    if std::env::var_os("OTEL_SERVICE_NAME").is_none() {
        resource = resource.with_service_name("takings");
    }
    let provider =
        SdkTracerProvider::builder().with_resource(resource.build()).with_span_processor(BatchSpanProcessor::builder(exporter, Tokio).build()).build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("takings")).with_filter(EnvFilter::new(SHOWN));
    Ok((layer, Traces(provider)))
}

impl Drop for Traces {
    fn drop(&mut self) {
        if let Err(error) = self.0.shutdown() {
            eprintln!("warning: the last spans did not reach the collector: {error}");
        }
    }
}
