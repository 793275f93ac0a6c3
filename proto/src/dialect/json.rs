//! The json dialect: what socktop 1.60's integration guide describes.
//!
//! A request is a text frame `{"type":"metrics"}`; replies are JSON in text frames, whatever their
//! size, but for the process list, which is protobuf in a binary frame, gzip when large. The guide does not have `sensors`.

use serde::{Deserialize, Serialize};

use crate::dialect::frame::Frame;
use crate::dialect::native::too_large;
use crate::dialect::text;
use crate::legacy;
use crate::legacy::ErrorReply;
use crate::limits;
use crate::model::{self, Body, ErrorCode, body};
use crate::query::Query;

#[derive(Deserialize)]
struct Request {
    r#type: String,
    pid: Option<u32>,
}

#[derive(Serialize)]
struct Metrics {
    sampled_at_ms: u64,
    cpu_total: f32,
    cpu_per_core: Vec<f32>,
    mem_total: u64,
    mem_used: u64,
    swap_total: u64,
    swap_used: u64,
    hostname: String,
    cpu_temp_c: Option<f32>,
    networks: Vec<legacy::Network>,
    gpus: Option<Vec<Gpu>>,
}

#[derive(Serialize)]
struct Gpu {
    name: String,
    usage: Option<f32>,
    memory_total: Option<u64>,
    memory_used: Option<u64>,
    temp_c: Option<f32>,
}

#[derive(Serialize)]
struct Sensors<'a> {
    sampled_at_ms: u64,
    sensors: Vec<Sensor<'a>>,
}

#[derive(Serialize)]
struct Sensor<'a> {
    label: &'a str,
    celsius: Option<f32>,
    high_celsius: Option<f32>,
    critical_celsius: Option<f32>,
}

/// Whether a text frame is meant for this dialect.
#[must_use]
pub fn is_request(text: &str) -> bool {
    text.trim_start().starts_with(['{', '[', '"'])
}

/// Decodes a request.
///
/// # Errors
/// The frame to answer with, where the request is not JSON, unknown, or lacks its pid.
pub fn decode_request(text: &str) -> Result<Query, Frame> {
    let request: Request = serde_json::from_str(text).map_err(|error| {
        text::refusal(&format!(
            "malformed request: {error}; send an object such as {{\"type\":\"metrics\"}}"
        ))
    })?;
    let pid = request
        .pid
        .ok_or_else(|| text::refusal(&format!("request {:?} needs a \"pid\"", request.r#type)));
    match request.r#type.as_str() {
        "metrics" => Ok(Query::Metrics),
        "disks" => Ok(Query::Disks),
        "processes" => Ok(Query::Processes),
        "sensors" => Ok(Query::Sensors),
        "process_metrics" => pid.map(|pid| Query::Process { pid }),
        "journal_entries" => pid.map(|pid| Query::Journal { pid }),
        other => {
            let shown: String = other.chars().take(40).collect();
            Err(text::refusal(&format!(
                "unknown request {shown:?}: this agent answers the types metrics, disks, processes, \
                 sensors, process_metrics and journal_entries (the last two with a \"pid\")"
            )))
        }
    }
}

/// Encodes the reply to `query`.
#[must_use]
pub fn encode_reply(query: Query, body: &Body) -> Frame {
    match reply(body) {
        Ok(frame) => frame,
        Err(error) => text::error_frame(&ErrorReply {
            error: error.message,
            pid: match query {
                Query::Process { pid } | Query::Journal { pid } => Some(pid),
                _ => None,
            },
            request: None,
        }),
    }
}

fn reply(body: &Body) -> Result<Frame, model::Error> {
    limits::check(body).map_err(too_large)?;
    let text = match body.kind.as_ref() {
        Some(body::Kind::Metrics(metrics)) => {
            let legacy = legacy::Metrics::try_from(metrics)?;
            text::serialize(&Metrics {
                sampled_at_ms: legacy.sampled_at_ms.unwrap_or_default(),
                cpu_total: legacy.cpu_total,
                cpu_per_core: legacy.cpu_per_core,
                mem_total: legacy.mem_total,
                mem_used: legacy.mem_used,
                swap_total: legacy.swap_total,
                swap_used: legacy.swap_used,
                hostname: legacy.hostname,
                cpu_temp_c: legacy.cpu_temp_c,
                networks: legacy.networks,
                gpus: (!metrics.gpus.is_empty())
                    .then(|| metrics.gpus.iter().map(Gpu::from).collect()),
            })
        }
        Some(body::Kind::Disks(disks)) => text::serialize(&legacy::disks(disks)),
        Some(body::Kind::Processes(list)) => return text::processes_frame(list),
        Some(body::Kind::Process(details)) => {
            text::serialize(&legacy::ProcessReply::try_from(details)?)
        }
        Some(body::Kind::Journal(journal)) => text::serialize(&legacy::Journal::from(journal)),
        Some(body::Kind::Sensors(sensors)) => text::serialize(&Sensors::from(sensors)),
        Some(body::Kind::Error(error)) => return Err(error.clone()),
        Some(body::Kind::Host(_)) | None => {
            return Err(model::Error::new(
                ErrorCode::BadRequest,
                "this dialect has no such reply",
            ));
        }
    }?;
    text::within_limit(Frame::Text(text))
}

impl From<&model::Gpu> for Gpu {
    fn from(gpu: &model::Gpu) -> Self {
        Self {
            name: gpu.name.clone(),
            usage: gpu.usage_percent,
            memory_total: gpu.memory_total_bytes,
            memory_used: gpu.memory_used_bytes,
            temp_c: gpu.temperature_celsius,
        }
    }
}

impl<'a> From<&'a model::Sensors> for Sensors<'a> {
    fn from(sensors: &'a model::Sensors) -> Self {
        let sensor = |sensor: &'a model::Sensor| Sensor {
            label: &sensor.label,
            celsius: sensor.celsius,
            high_celsius: sensor.high_celsius,
            critical_celsius: sensor.critical_celsius,
        };
        Self {
            sampled_at_ms: sensors.time.map(|time| time.unix_ms).unwrap_or_default(),
            sensors: sensors.sensors.iter().map(sensor).collect(),
        }
    }
}
