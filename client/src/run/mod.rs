//! From the command line to a host on the screen.

mod event_loop;
mod pick;

use std::env;
use std::io::{self, Write};
use std::path::Path;

use anyhow::{Result, anyhow};
use jiff::tz::TimeZone;

use crate::app::screens::picker::{Choice, Entry};
use crate::app::{App, Outcome};
use crate::cli::{Action, Cli, Environment, from_profile, intervals, resolve};
use crate::commands;
use crate::config::paths::Home;
use crate::config::profiles::{DEMO, Profiles, ProfilesError};
use crate::config::save_profile::Save;
use crate::link::{Endpoint, Intervals, Link};
use crate::prompt::first_contact::{FirstContact, establish_trust};
use crate::prompt::token::ask_for_token;
use crate::prompt::{Signalled, confirm, until_signal};
use crate::secrets::private_file::keep_private;
use crate::source::local;
use crate::source::remote::Connect;
use crate::view::Settings;
use event_loop::run;

/// What the picker calls the machine that socktop runs on.
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
    match action {
        Action::Demo(intervals) => show_local(intervals, cli).await,
        Action::Connect(mut connect) => {
            let mut saved = false;
            if let Some(save) = connect.save.take() {
                let home = home.as_ref().map_err(|_| ProfilesError::NoHome)?;
                saved = offer_to_save(save, home)?;
            }
            show_agent(&connect, saved, cli, home.as_ref().ok()).await
        }
        Action::Picker => {
            let entries = entries(&profiles);
            match pick::pick(entries.clone(), color()).await? {
                Choice::None(outcome) => Ok(outcome),
                Choice::Entry(index) => match entries.get(index) {
                    Some(Entry { name, saved, .. }) if *saved => {
                        let connect = from_profile(name, cli, &profiles, &environment)?;
                        show_agent(&connect, false, cli, home.as_ref().ok()).await
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
        (THIS_MACHINE, "without an agent and without a port"),
        (DEMO, "the same, as by socktop --demo"),
    ];
    let always = always.into_iter().map(|(name, detail)| Entry {
        name: name.to_owned(),
        detail: detail.to_owned(),
        saved: false,
    });
    saved.chain(always).collect()
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

/// Shows an agent. `saved` tells that its profile was saved with what was given now.
async fn show_agent(
    connect: &Connect,
    saved: bool,
    cli: &Cli,
    home: Option<&Home>,
) -> Result<Outcome> {
    if let Some(warning) = connect.token_file.as_deref().and_then(keep_private) {
        complain(&warning);
    }
    let mut endpoint = connect.endpoint(home.map(Home::known_agents).as_ref())?;
    let prepared = until_signal(prepare(&mut endpoint, connect, saved, home)).await;
    match prepared.map_err(|error| anyhow!("watching for signals: {error}"))? {
        Ok(prepared) => prepared?,
        Err(Signalled(number)) => return Ok(Outcome::Signal(number)),
    }
    let name = match &connect.profile {
        Some(profile) => profile.clone(),
        None => connect.target.shown_host(),
    };
    let source = endpoint.to_string();
    show(name, source, Link::spawn(endpoint), connect.intervals, cli).await
}

/// Does what wants the user before there is a screen: to trust the agent's key, and to give it a token.
async fn prepare(
    endpoint: &mut Endpoint,
    connect: &Connect,
    saved: bool,
    home: Option<&Home>,
) -> Result<()> {
    let known = home.map(Home::known_agents);
    let has_token = connect.target.token().is_some() || connect.token_file.is_some();
    match establish_trust(endpoint, connect, known.as_ref()).await? {
        FirstContact::NotItsToken(message) => {
            complain(&message);
            endpoint.remove_token();
        }
        FirstContact::Trusted if has_token => {
            if let (Some(home), Some(profile), Some(recipient)) =
                (home, &connect.profile, endpoint.recipient())
                && (saved || connect.token_is_stored && connect.token_for.is_none())
                && let Err(error) = Profiles::bind_token(
                    &home.profiles,
                    profile,
                    &connect.target.authority(),
                    &recipient,
                )
            {
                complain(&error);
            }
            return Ok(());
        }
        FirstContact::Unreached if has_token => return Ok(()),
        FirstContact::Trusted | FirstContact::Unreached => {}
    }
    ask_for_token(endpoint)
        .await
        .map_err(|error| anyhow!("asking for the token: {error}"))
}

async fn show_local(intervals: Intervals, cli: &Cli) -> Result<Outcome> {
    let source = local::NAME.to_owned();
    show(
        THIS_MACHINE.to_owned(),
        source,
        local::spawn(),
        intervals,
        cli,
    )
    .await
}

/// Shows the host of `link`, which is called `name` and is reached at `source`.
async fn show(
    name: String,
    source: String,
    link: Link,
    intervals: Intervals,
    cli: &Cli,
) -> Result<Outcome> {
    let app = App::new(Settings {
        name,
        endpoint: source,
        intervals,
        compact: cli.compact,
        color: color(),
        time_zone: TimeZone::system(),
    });
    Ok(run(app, link).await?)
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
