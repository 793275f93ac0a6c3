//! An agent inside this process: for `--demo` and for the machine that socktop runs on. No port is opened.

use std::sync::Arc;

use socktop_agent::auth::token::TokenError;
use socktop_agent::server::shared::Agent;
use socktop_agent::transport::accept::connect_in_process;
use socktop_collect::sampler::Sampling;

use crate::link::Endpoint;

/// An endpoint whose connections are served by an agent of its own. Wants a tokio runtime when it is dialled.
///
/// # Errors
/// Where the agent cannot be set up.
pub fn endpoint() -> Result<Endpoint, TokenError> {
    let agent = Agent::in_process(&Sampling::default())?;
    Ok(Endpoint::InProcess(Arc::new(move || {
        Ok(connect_in_process(&agent))
    })))
}
