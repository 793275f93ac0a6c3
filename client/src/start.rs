//! From the command line to a host on the screen.

use std::env;
use std::io::{self, Write};
use std::path::Path;

use anyhow::{Result, anyhow};
use jiff::tz::TimeZone;

use crate::acquaint::{AcquaintError, make_acquaintance};
use crate::app::picker::{self, Choice, Entry};
use crate::app::{App, AppOptions, Outcome, run};
use crate::cli::{Action, Cli, DEMO, Environment, from_profile, intervals, resolve};
use crate::commands;
use crate::connect::{Connect, ask_for_token};
use crate::files::keep_private;
use crate::home::Home;
use crate::link::{Endpoint, Intervals, Link};
use crate::local;
use crate::profiles::{Profiles, ProfilesError};
use crate::question::confirm;
use crate::save::Save;

/// What the picker calls the machine that socktop runs on.
const THIS_MACHINE: &str = "this machine";

/// The signal of Ctrl-C.
const SIGINT: u8 = 2;

/// Does what the command line asks for.
///
/// # Errors
/// Says what cannot be read, reached or shown.
pub async fn start(cli: &Cli) -> Result<Outcome> {
    let home = Home::of(|name| env::var_os(name));
    if let Ok(home) = &home {
        home.remove_left_drafts();
    }
    if let Some(command) = &cli.command {
        let home = home.map_err(|_| ProfilesError::NoHome)?;
        commands::run(command, &home)?;
        return Ok(Outcome::Quit);
    }
    let profiles = match &home {
        Ok(home) => load(&home.profiles, cli)?,
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
                let home = home.as_ref().map_err(|_| ProfilesError::NoHome)?;
                offer_to_save(save, home)?;
            }
            show_agent(&connect, cli, home.as_ref().ok()).await
        }
        Action::Picker => {
            let entries = entries(&profiles);
            match picker::pick(entries.clone(), color()).await? {
                Choice::None(outcome) => Ok(outcome),
                Choice::Entry(index) => match entries.get(index) {
                    Some(Entry { name, saved, .. }) if *saved => {
                        let connect = from_profile(name, cli, &profiles, &environment)?;
                        show_agent(&connect, cli, home.as_ref().ok()).await
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
        Ok(profiles) => {
            if profiles.hold_token()
                && let Some(warning) = keep_private(path)
            {
                complain(&warning);
            }
            Ok(profiles)
        }
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
fn offer_to_save(save: Save, home: &Home) -> Result<()> {
    if save.is_done(home) {
        return Ok(());
    }
    if let Some(question) = save.question() {
        let agreed = confirm(&question, &mut io::stdin().lock(), &mut io::stderr())
            .map_err(|error| anyhow!("asking whether to save the profile: {error}"))?;
        if !agreed {
            return Ok(());
        }
    }
    if let Some(file) = save.apply(home)? {
        complain(&format_args!(
            "the token is kept in {}, for you alone, and not in the saved URL; the published socktop does not look there",
            file.display()
        ));
    }
    Ok(())
}

async fn show_agent(connect: &Connect, cli: &Cli, home: Option<&Home>) -> Result<Outcome> {
    if let Some(warning) = connect.token_file.as_deref().and_then(keep_private) {
        complain(&warning);
    }
    let known = home.map(Home::known_agents);
    let mut endpoint = connect.endpoint(known.as_ref())?;
    match make_acquaintance(&mut endpoint, connect, known.as_ref()).await {
        Err(AcquaintError::Asking(error)) if error.kind() == io::ErrorKind::Interrupted => {
            return Ok(Outcome::Signal(SIGINT));
        }
        acquainted => acquainted?,
    }
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
        None => connect.target.shown_host(),
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
