//! From the command line to a host on the screen.

use std::env;
use std::io::{self, IsTerminal};
use std::path::Path;

use anyhow::{Result, anyhow, bail};
use jiff::tz::TimeZone;

use crate::app::picker::{self, Choice, Entry};
use crate::app::{App, AppOptions, Outcome, run};
use crate::cli::{Action, Cli, DEMO, Environment, from_profile, intervals, resolve};
use crate::connect::{Connect, ask_for_token, confirm};
use crate::link::{Endpoint, Intervals, Link};
use crate::local;
use crate::profiles::{self, Profiles};

/// What the picker calls the machine that socktop runs on.
const THIS_MACHINE: &str = "this machine";

/// Does what the command line asks for.
///
/// # Errors
/// Says what cannot be read, reached or shown.
pub async fn start(cli: &Cli) -> Result<Outcome> {
    let path = profiles::path(|name| env::var_os(name));
    let profiles = match path.as_deref() {
        Ok(path) => load(path, cli)?,
        // Without a home there are no profiles, which not everyone needs.
        Err(_) => Profiles::default(),
    };
    let environment = Environment {
        token: env::var_os("SOCKTOP_TOKEN"),
        folder: env::current_dir().unwrap_or_default(),
    };
    let mut action = resolve(cli, &profiles, &environment)?;
    if cli.dry_run {
        return Ok(Outcome::Quit);
    }
    if let Action::Picker = action {
        action = match pick(cli, &profiles, &environment).await? {
            Picked::Action(action) => action,
            Picked::Nothing(outcome) => return Ok(outcome),
        };
    }
    match action {
        Action::Demo(intervals) => show_local(intervals, cli).await,
        Action::Connect(mut connect) => {
            if let Some(save) = connect.save.take() {
                let path = path?;
                let agreed = match save.question() {
                    Some(question) => {
                        confirm(&question, &mut io::stdin().lock(), &mut io::stderr()).map_err(
                            |error| anyhow!("asking whether to save the profile: {error}"),
                        )?
                    }
                    None => true,
                };
                if agreed {
                    save.apply(&path)?;
                }
            }
            show_agent(&connect, cli).await
        }
        Action::Picker => bail!("the picker chose itself"),
    }
}

/// Reads the profiles. A file that cannot be read stops everything that a profile could matter for.
fn load(path: &Path, cli: &Cli) -> Result<Profiles> {
    let names_no_profile = cli.profile.is_none()
        && cli
            .agent
            .as_deref()
            .is_some_and(|agent| agent.contains("://"));
    match Profiles::load(path) {
        Ok(profiles) => Ok(profiles),
        Err(error) if cli.demo || names_no_profile => {
            eprintln!("socktop: {error}");
            Ok(Profiles::default())
        }
        Err(error) => Err(error.into()),
    }
}

enum Picked {
    Action(Action),
    Nothing(Outcome),
}

async fn pick(cli: &Cli, profiles: &Profiles, environment: &Environment) -> Result<Picked> {
    let mut entries: Vec<Entry> = profiles
        .profiles
        .iter()
        .map(|(name, profile)| Entry {
            name: name.clone(),
            detail: without_token(&profile.url),
            saved: true,
        })
        .collect();
    for (name, detail) in [
        (THIS_MACHINE, "an agent inside socktop; no port is opened"),
        (DEMO, "the same, as by socktop --demo"),
    ] {
        entries.push(Entry {
            name: name.to_owned(),
            detail: detail.to_owned(),
            saved: false,
        });
    }
    let index = match picker::pick(entries.clone(), color()).await? {
        Choice::Entry(index) => index,
        Choice::None(outcome) => return Ok(Picked::Nothing(outcome)),
    };
    Ok(match entries.get(index) {
        Some(entry) if entry.saved => {
            let connect = from_profile(&entry.name, cli, profiles, environment)?;
            Picked::Action(Action::Connect(Box::new(connect)))
        }
        _ => Picked::Action(Action::Demo(intervals(cli, None))),
    })
}

async fn show_agent(connect: &Connect, cli: &Cli) -> Result<Outcome> {
    let mut endpoint = connect.endpoint()?;
    let has_token = connect.target.token().is_some() || connect.token_file.is_some();
    if !has_token && io::stdin().is_terminal() {
        ask_for_token(&mut endpoint)
            .await
            .map_err(|error| anyhow!("asking for the token: {error}"))?;
    }
    let name = match &connect.profile {
        Some(profile) => profile.clone(),
        None => connect.target.host().to_string(),
    };
    show(name, endpoint, connect.intervals, cli).await
}

async fn show_local(intervals: Intervals, cli: &Cli) -> Result<Outcome> {
    let endpoint = local::endpoint()?;
    show(THIS_MACHINE.to_owned(), endpoint, intervals, cli).await
}

async fn show(
    name: String,
    endpoint: Endpoint,
    intervals: Intervals,
    cli: &Cli,
) -> Result<Outcome> {
    let app = App::new(AppOptions {
        name,
        endpoint: endpoint.to_string(),
        intervals,
        compact: cli.compact,
        color: color(),
        time_zone: TimeZone::system(),
    });
    Ok(run(app, Link::spawn(endpoint)).await?)
}

/// Whether the user wants colours: see no-color.org.
fn color() -> bool {
    env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// A URL as it may be shown.
fn without_token(url: &str) -> String {
    url.split('?').next().unwrap_or_default().to_owned()
}
