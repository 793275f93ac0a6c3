//! The user's settings: paths, profiles, addresses, theme, keys.

pub mod agent_url;
pub mod paths;
pub mod profiles;
pub mod save_profile;
pub mod theme;
