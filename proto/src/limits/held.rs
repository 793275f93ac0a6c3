//! How much memory an answer or a delta takes: its structures, and the capacity of its lists and texts.

use std::convert::Infallible;

use super::delta_parts::DeltaParts;
use super::walk::ListLimit;
use super::walk::read::{Visitor, gpu, process, walk};
use crate::model::{Body, Delta};

/// Bytes of memory that `body` takes, without what the allocator adds.
#[must_use]
pub fn held_bytes(body: &Body) -> usize {
    let mut held = Held(size_of::<Body>());
    let Ok(()) = walk(body, &mut held);
    held.0
}

/// Bytes of memory that `delta` takes, without what the allocator adds.
#[must_use]
pub fn delta_held_bytes(delta: &Delta) -> usize {
    let parts = DeltaParts::of(delta);
    let mut held = Held(size_of::<Delta>() + parts.list_bytes);
    for entry in parts.gpus {
        gpu(entry, &mut held);
    }
    for entry in parts.processes {
        process(entry, &mut held);
    }
    held.0
}

/// Adds up bytes of memory.
struct Held(usize);

impl Visitor for Held {
    type Stop = Infallible;

    fn text(&mut self, text: &String, _: usize) {
        self.0 += text.capacity();
    }

    fn words(&mut self, words: &Vec<String>) -> Result<(), Infallible> {
        self.list(words, None)?;
        for word in words {
            self.text(word, usize::MAX);
        }
        Ok(())
    }

    fn list<T>(&mut self, list: &Vec<T>, _: Option<ListLimit>) -> Result<(), Infallible> {
        self.0 += list.capacity() * size_of::<T>();
        Ok(())
    }
}
