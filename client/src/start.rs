//! From the command line to a host on the screen.

use std::env;
use std::io::{self, Write};
use std::path::Path;

use anyhow::{Result, anyhow};
use jiff::tz::TimeZone;

use crate::app::picker::{self, Choice, Entry};
use crate::app::{App, AppOptions, Outcome, run};
use crate::cli::{Action, Cli, DEMO, Environment, from_profile, intervals, resolve};
use crate::connect::{Connect, Save, ask_for_token, confirm};
use crate::link::{Endpoint, Intervals, Link};
use crate::local;
use crate::profiles::{self, Profiles};

/// What the picker calls the machine that socktop runs on.
const THIS_MACHINE: &str = "this machine";

/// The signal of Ctrl-C.
const SIGINT: u8 = 2;

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
    let action = resolve(cli, &profiles, &environment)?;
    if cli.dry_run {
        return Ok(Outcome::Quit);
    }
    match action {
        Action::Demo(intervals) => show_local(intervals, cli).await,
        Action::Connect(mut connect) => {
            if let Some(save) = connect.save.take() {
                offer_to_save(save, &path?)?;
            }
            show_agent(&connect, cli).await
        }
        Action::Picker => {
            let entries = entries(&profiles);
            match picker::pick(entries.clone(), color()).await? {
                Choice::None(outcome) => Ok(outcome),
                Choice::Entry(index) => match entries.get(index) {
                    Some(Entry { name, saved, .. }) if *saved => {
                        let connect = from_profile(name, cli, &profiles, &environment)?;
                        show_agent(&connect, cli).await
                    }
                    _ => show_local(intervals(cli, None), cli).await,
                },
            }
        }
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
            complain(&error);
            Ok(Profiles::default())
        }
        Err(error) => Err(error.into()),
    }
}

/// What the picker offers: the saved profiles, then what every installation has.
fn entries(profiles: &Profiles) -> Vec<Entry> {
    let saved = profiles.profiles.iter().map(|(name, profile)| Entry {
        name: name.clone(),
        detail: without_token(&profile.url),
        saved: true,
    });
    let always = [
        (THIS_MACHINE, "an agent inside socktop; no port is opened"),
        (DEMO, "the same, as by socktop --demo"),
    ];
    let always = always.into_iter().map(|(name, detail)| Entry {
        name: name.to_owned(),
        detail: detail.to_owned(),
        saved: false,
    });
    saved.chain(always).collect()
}

/// Saves a profile, unless another would be lost and the user wants to keep that.
fn offer_to_save(save: Save, path: &Path) -> Result<()> {
    if let Some(question) = save.question() {
        let agreed = confirm(&question, &mut io::stdin().lock(), &mut io::stderr())
            .map_err(|error| anyhow!("asking whether to save the profile: {error}"))?;
        if !agreed {
            return Ok(());
        }
    }
    Ok(save.apply(path)?)
}

async fn show_agent(connect: &Connect, cli: &Cli) -> Result<Outcome> {
    let mut endpoint = connect.endpoint()?;
    let has_token = connect.target.token().is_some() || connect.token_file.is_some();
    if !has_token {
        match ask_for_token(&mut endpoint).await {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                return Ok(Outcome::Signal(SIGINT));
            }
            asked => asked.map_err(|error| anyhow!("asking for the token: {error}"))?,
        }
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

/// Says what went wrong, on standard error if there still is one.
pub fn complain(error: &dyn std::fmt::Display) {
    let _ = writeln!(io::stderr(), "socktop: {error}");
}
