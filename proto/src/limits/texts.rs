//! Cuts an answer's texts to the lengths that a client keeps.

use std::convert::Infallible;

use super::walk::ListLimit;
use super::walk::change::{Visitor, walk};
use super::{COMMAND_BYTES, COMMAND_WORDS};
use crate::model::{Body, body};

/// Cuts the texts of `body` that are longer than their limits, and gives back the memory that they took.
///
/// Children of a process lose their own children and threads: a client shows them nowhere.
pub fn cut_texts(body: &mut Body) {
    if let Some(body::Kind::Process(details)) = &mut body.kind {
        for child in &mut details.children {
            child.children = Vec::new();
            child.threads = Vec::new();
        }
    }
    let Ok(()) = walk(body, &mut Cut);
}

/// Cuts `text` to at most `most_bytes`.
fn cut(text: &mut String, most_bytes: usize) {
    if text.len() > most_bytes {
        text.truncate(text.floor_char_boundary(most_bytes));
        text.shrink_to_fit();
    }
}

struct Cut;

impl Visitor for Cut {
    type Stop = Infallible;

    fn text(&mut self, text: &mut String, most_bytes: usize) {
        cut(text, most_bytes);
    }

    fn words(&mut self, words: &mut Vec<String>) -> Result<(), Infallible> {
        if words.len() > COMMAND_WORDS {
            words.truncate(COMMAND_WORDS);
            words.shrink_to_fit();
        }
        let mut room = COMMAND_BYTES;
        for word in words {
            cut(word, room);
            room -= word.len();
        }
        Ok(())
    }

    fn list<T>(&mut self, _: &mut Vec<T>, _: Option<ListLimit>) -> Result<(), Infallible> {
        Ok(())
    }
}
