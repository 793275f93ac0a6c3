//! A conversation from connect to close: the real server on a free port, the real client's link.

#![cfg(test)]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use socktop::link::{Dialect, Endpoint, Event, Link, LinkState, Security, Subscription};
use socktop::trust::Trust;
use socktop_agent::server::shared::Agent;
use socktop_agent::tls::identity::Identity;
use socktop_agent::transport::accept::connect_in_process;
use socktop_collect::sampler::Sampling;
use socktop_proto::model::{ErrorCode, body};
use socktop_proto::{Body, Query};
use socktop_testkit::agent::RunningAgent;
use socktop_testkit::wait::DEADLINE;
use tokio::time::timeout;

const TOKEN: &str = "s3cret-s3cret-s3cret";
const OFTEN: Duration = Duration::from_millis(100);

fn endpoint(agent: &RunningAgent) -> Endpoint {
    Endpoint::Plain(format!("ws://{}", agent.address()).parse().unwrap())
}

/// Reads the link's events until one of them is what is waited for.
async fn until<T>(link: &mut Link, what: &str, mut is_it: impl FnMut(Event) -> Option<T>) -> T {
    let found = timeout(DEADLINE, async {
        loop {
            let event = link.events.recv().await.expect("the link lives");
            if let Some(found) = is_it(event) {
                return found;
            }
        }
    });
    found
        .await
        .unwrap_or_else(|_| panic!("waited {DEADLINE:?} in vain for {what}"))
}

async fn until_connected(link: &mut Link) -> (Dialect, Security) {
    until(link, "a connection", |event| match event {
        Event::State(LinkState::Connected { dialect, security }) => Some((dialect, security)),
        _ => None,
    })
    .await
}

async fn until_lost(link: &mut Link) -> String {
    until(link, "the loss of the connection", |event| match event {
        Event::State(LinkState::Lost { reason, .. }) => Some(reason),
        _ => None,
    })
    .await
}

async fn reply(link: &mut Link, wanted: Query) -> body::Kind {
    until(
        link,
        &format!("the reply to {wanted:?}"),
        |event| match event {
            Event::Reply { query, body, .. } if query == wanted => {
                let Body { kind } = Arc::unwrap_or_clone(body);
                Some(kind.expect("a reply has a body"))
            }
            _ => None,
        },
    )
    .await
}

fn own_pid() -> u32 {
    std::process::id()
}

/// Sends every query once, for this process where one has to be given, and checks each reply.
async fn assert_all_queries_are_answered(link: &mut Link) {
    let body::Kind::Host(host) = reply(link, Query::Host).await else {
        panic!("no host facts");
    };
    assert_eq!(
        host.hostname,
        rustix::system::uname().nodename().to_str().unwrap()
    );

    link.set_subscription(Subscription {
        metrics: Some(OFTEN),
        processes: Some(OFTEN),
        disks: Some(OFTEN),
        process: Some((own_pid(), OFTEN)),
        journal: Some((own_pid(), OFTEN)),
        ..Subscription::default()
    });
    let body::Kind::Metrics(metrics) = reply(link, Query::Metrics).await else {
        panic!("no metrics");
    };
    assert!(metrics.cpu.unwrap().total_percent.is_some());
    assert!(metrics.memory.unwrap().used_bytes.unwrap() > 0);

    let body::Kind::Processes(list) = reply(link, Query::Processes).await else {
        panic!("no process list");
    };
    assert_eq!(list.processes.len(), usize::try_from(list.total).unwrap());
    assert!(
        list.processes
            .iter()
            .any(|process| process.pid == own_pid())
    );

    let body::Kind::Disks(_) = reply(link, Query::Disks).await else {
        panic!("no disks");
    };
    let body::Kind::Process(details) = reply(link, Query::Process { pid: own_pid() }).await else {
        panic!("no details");
    };
    let program = std::env::current_exe().unwrap();
    assert_eq!(details.executable.as_deref(), program.to_str());
    assert_ne!(details.threads, []);

    let body::Kind::Journal(_) = reply(link, Query::Journal { pid: own_pid() }).await else {
        panic!("no journal");
    };
}

#[tokio::test]
async fn client_receives_all_samples_over_the_network() {
    let agent = RunningAgent::start();
    let mut link = Link::spawn(endpoint(&agent));
    assert_eq!(
        until_connected(&mut link).await,
        (Dialect::Native, Security::Plain)
    );
    assert_all_queries_are_answered(&mut link).await;
    agent.stop().await;
}

#[tokio::test]
async fn client_receives_all_samples_in_process() {
    let agent = Agent::in_process(&Sampling::default()).unwrap();
    let mut link = Link::spawn(Endpoint::InProcess(Arc::new(move || {
        Ok(connect_in_process(&agent))
    })));
    assert_eq!(
        until_connected(&mut link).await,
        (Dialect::Native, Security::InProcess)
    );
    assert_all_queries_are_answered(&mut link).await;
}

#[tokio::test]
async fn missing_process_is_answered() {
    let agent = RunningAgent::start();
    let mut link = Link::spawn(endpoint(&agent));
    // Above any pid_max.
    let pid = u32::MAX;
    link.set_subscription(Subscription {
        process: Some((pid, OFTEN)),
        ..Subscription::default()
    });
    let body::Kind::Error(error) = reply(&mut link, Query::Process { pid }).await else {
        panic!("details of nothing");
    };
    assert_eq!(error.code(), ErrorCode::NotFound);
    agent.stop().await;
}

#[tokio::test]
async fn client_reconnects_to_a_restarted_agent() {
    let agent = RunningAgent::start();
    let address = agent.address().to_string();
    let mut link = Link::spawn(endpoint(&agent));
    until_connected(&mut link).await;
    link.set_subscription(Subscription {
        metrics: Some(OFTEN),
        ..Subscription::default()
    });
    reply(&mut link, Query::Metrics).await;

    agent.stop().await;
    assert_ne!(until_lost(&mut link).await, "");

    let agent = RunningAgent::builder().listen(&address).start();
    link.retry_now();
    until_connected(&mut link).await;
    // The plan is carried out without being set again.
    reply(&mut link, Query::Metrics).await;
    agent.stop().await;
}

#[tokio::test]
async fn missing_token_is_refused_and_right_token_accepted() {
    let agent = RunningAgent::builder().token(TOKEN).start();

    let mut without = Link::spawn(endpoint(&agent));
    let reason = until_lost(&mut without).await;
    assert!(reason.contains("token"), "{reason}");

    let url = format!("ws://{}/ws?token={TOKEN}", agent.address());
    let mut with = Link::spawn(Endpoint::Plain(url.parse().unwrap()));
    until_connected(&mut with).await;
    reply(&mut with, Query::Host).await;
    agent.stop().await;
}

fn identity(folder: &Path) -> Identity {
    let identity = Identity::in_data_folder(|name| {
        (name == "XDG_DATA_HOME").then(|| folder.to_str().unwrap().to_owned())
    });
    let identity = identity.unwrap();
    identity.ensure("a-host", &[]).unwrap();
    identity
}

#[tokio::test]
async fn generated_certificate_is_trusted_when_given() {
    let [own, other] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let identity_of_agent = identity(own.path());
    let identity_of_another = identity(other.path());
    let agent = RunningAgent::builder().tls(&identity_of_agent).start();
    let link = |certificate: &Path| {
        let trust = Trust::from_file(certificate, true).unwrap();
        let url = format!("wss://{}", agent.address());
        Link::spawn(Endpoint::Tls(url.parse().unwrap(), trust))
    };

    let mut trusting = link(&identity_of_agent.certificate);
    assert_eq!(
        until_connected(&mut trusting).await,
        (Dialect::Native, Security::Tls)
    );
    reply(&mut trusting, Query::Host).await;

    let reason = until_lost(&mut link(&identity_of_another.certificate)).await;
    assert!(reason.contains("certificate"), "{reason}");

    let plain = format!("ws://{}", agent.address());
    let reason = until_lost(&mut Link::spawn(Endpoint::Plain(plain.parse().unwrap()))).await;
    assert!(reason.contains("wss"), "{reason}");
    agent.stop().await;
}
