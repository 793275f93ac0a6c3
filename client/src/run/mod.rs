//! From the command line to the hosts on the screen.

mod event_loop;

use std::env;
use std::io::{self, Write};
use std::path::Path;

use anyhow::{Result, anyhow};
use jiff::tz::TimeZone;

use crate::app::{App, Outcome};
use crate::cli::{Action, Cli, Environment, from_profile, intervals, resolve};
use crate::commands;
use crate::config::paths::Home;
use crate::config::profiles::{Profiles, ProfilesError};
use crate::config::save_profile::Save;
use crate::config::theme::Theme;
use crate::link::Intervals;
use crate::prompt::confirm;
use crate::secrets::private_file::keep_private;
use crate::source::remote::{Agent, Connect};
use crate::source::{Source, Sources};
use crate::state::{HostConfig, HostState};
use crate::view::Settings;
use event_loop::run;

/// What the machine is called that socktop runs on.
const THIS_MACHINE: &str = "this machine";

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
    let mut sources = Sources::default();
    let app = match action {
        Action::Demo(intervals) => {
            App::with_host(settings(cli), this_machine(&mut sources, intervals))
        }
        Action::Connect(mut connect) => {
            let mut saved = false;
            if let Some(save) = connect.save.take() {
                let home = home.as_ref().map_err(|_| ProfilesError::NoHome)?;
                saved = offer_to_save(save, home)?;
            }
            let host = agent(&mut sources, *connect, saved, home.as_ref().ok());
            App::with_host(settings(cli), host)
        }
        Action::List => {
            let mut hosts = Vec::new();
            for name in profiles.profiles.keys() {
                let home = home.as_ref().ok();
                let host = match from_profile(name, cli, &profiles, &environment.without_token()) {
                    Ok(connect) => agent(&mut sources, connect, false, home),
                    Err(error) => unusable_agent(&mut sources, name, error.to_string(), home),
                };
                hosts.push(host);
            }
            hosts.push(this_machine(&mut sources, intervals(cli, None)));
            App::with_list(settings(cli), hosts)
        }
    };
    Ok(run(app, sources).await?)
}

/// Starts the link to an agent. `saved` tells that its profile was saved with what was given now.
fn agent(sources: &mut Sources, connect: Connect, saved: bool, home: Option<&Home>) -> HostState {
    if let Some(warning) = connect.token_file.as_deref().and_then(keep_private) {
        complain(&warning);
    }
    let host = HostState::new(HostConfig {
        name: connect.name(),
        endpoint: connect.target.to_string(),
        intervals: connect.intervals,
    });
    sources.add(Source::Agent(Agent::new(Ok(connect), home, saved)));
    host
}

/// An agent whose profile cannot be used, as `error` says: the others are shown all the same.
fn unusable_agent(
    sources: &mut Sources,
    name: &str,
    error: String,
    home: Option<&Home>,
) -> HostState {
    sources.add(Source::Agent(Agent::new(Err(error), home, false)));
    HostState::new(HostConfig {
        name: name.to_owned(),
        ..HostConfig::default()
    })
}

/// Starts to sample the machine that socktop runs on.
fn this_machine(sources: &mut Sources, intervals: Intervals) -> HostState {
    sources.add(Source::ThisMachine);
    HostState::new(HostConfig {
        name: THIS_MACHINE.to_owned(),
        endpoint: "without an agent and without a port".to_owned(),
        intervals,
    })
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

/// Saves a profile, unless another would be lost and the user wants to keep that; says whether it is saved now.
fn offer_to_save(save: Save, home: &Home) -> Result<bool> {
    if save.is_done(home) {
        return Ok(true);
    }
    if let Some(question) = save.question() {
        let agreed = confirm(&question, &mut io::stdin().lock(), &mut io::stderr())
            .map_err(|error| anyhow!("asking whether to save the profile: {error}"))?;
        if !agreed {
            return Ok(false);
        }
    }
    if let Some(file) = save.apply(home)? {
        complain(&format_args!(
            "the token is kept in {}, for you alone, and not in the saved URL; the published socktop does not look there",
            file.display()
        ));
    }
    Ok(true)
}

/// What holds for every screen.
fn settings(cli: &Cli) -> Settings {
    Settings {
        compact: cli.compact,
        theme: Theme::new(color()),
        time_zone: TimeZone::system(),
    }
}

/// Whether the user wants colours: see no-color.org.
fn color() -> bool {
    env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Says what went wrong, on standard error if there still is one.
pub fn complain(error: &dyn std::fmt::Display) {
    let _ = writeln!(io::stderr(), "socktop: {error}");
}
