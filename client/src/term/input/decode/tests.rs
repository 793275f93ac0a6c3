//! What terminals send, and what it means.

use crossterm::event::{KeyModifiers as With, MouseButton, MouseEventKind};
use proptest::prelude::*;

use super::*;

fn decode(bytes: &[u8]) -> Vec<Event> {
    decode_in_pieces(&[bytes])
}

fn decode_in_pieces(pieces: &[&[u8]]) -> Vec<Event> {
    let mut decoder = Decoder::default();
    let mut events = Vec::new();
    for piece in pieces {
        decoder.feed(piece, &mut events);
    }
    if decoder.wait().is_some() {
        decoder.give_up(&mut events);
    }
    assert_eq!(decoder.wait(), None, "nothing is left begun");
    events
}

fn keys(codes: &[(KeyCode, With)]) -> Vec<Event> {
    codes.iter().map(|(code, with)| key(*code, *with)).collect()
}

/// Replies of terminals to what programs ask.
const REPLIES: &[&str] = &[
    // The colours of background, text and cursor; a colour of the palette; the clipboard.
    "\x1b]11;rgb:1e1e/1e1e/2e2e\x1b\\",
    "\x1b]11;rgb:1e1e/1e1e/2e2e\x07",
    "\x1b]10;rgb:ffff/ffff/ffff\x1b\\",
    "\x1b]12;rgb:ffff/ffff/ffff\x07",
    "\x1b]4;1;rgb:cccc/0000/0000\x1b\\",
    "\x1b]52;c;c2VjcmV0\x07",
    // Device attributes: primary, secondary, tertiary.
    "\x1b[?62;1;2;4;6;9;15;18;21;22c",
    "\x1b[?6c",
    "\x1b[>41;354;0c",
    "\x1bP!|00000000\x1b\\",
    // The terminal's name and version, a capability, a setting.
    "\x1bP>|XTerm(354)\x1b\\",
    "\x1bP1+r544e=787465726d\x1b\\",
    "\x1bP1$r0m\x1b\\",
    // The cursor's place, plain and extended; status; a mode; the colour scheme; the keyboard's flags.
    "\x1b[24;80R",
    "\x1b[1;2R",
    "\x1b[0;0R",
    "\x1b[?24;80;1R",
    "\x1b[0n",
    "\x1b[?2026;2$y",
    "\x1b[?997;1n",
    "\x1b[?1u",
    // Sizes, the window's title, sixel's limits, graphics.
    "\x1b[8;24;80t",
    "\x1b[4;600;800t",
    "\x1b]lsocktop\x1b\\",
    "\x1b[?2;0;1000;1000S",
    "\x1b_Gi=31;OK\x1b\\",
    // The focus.
    "\x1b[I",
    "\x1b[O",
];

#[test]
fn replies_are_no_keys_however_they_are_cut() {
    for reply in REPLIES {
        let bytes = reply.as_bytes();
        assert_eq!(decode(bytes), [], "{reply:?}");
        for cut in 1..bytes.len() {
            let (left, right) = bytes.split_at(cut);
            let events = decode_in_pieces(&[left, right]);
            assert_eq!(events, [], "{reply:?} cut at {cut}");
        }
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(decode_in_pieces(&single), [], "{reply:?} byte by byte");
    }
}

#[test]
fn keys_around_a_reply_are_all_taken() {
    for reply in REPLIES {
        let typed = format!("a{reply}b");
        let expected = keys(&[
            (KeyCode::Char('a'), With::NONE),
            (KeyCode::Char('b'), With::NONE),
        ]);
        assert_eq!(decode(typed.as_bytes()), expected, "{reply:?}");
    }
}

#[test]
fn keys_are_what_terminals_send_for_them() {
    for (sent, code, with) in [
        ("q", KeyCode::Char('q'), With::NONE),
        ("G", KeyCode::Char('G'), With::SHIFT),
        ("é", KeyCode::Char('é'), With::NONE),
        ("漢", KeyCode::Char('漢'), With::NONE),
        ("\r", KeyCode::Enter, With::NONE),
        ("\t", KeyCode::Tab, With::NONE),
        ("\x1b[Z", KeyCode::BackTab, With::SHIFT),
        ("\x7f", KeyCode::Backspace, With::NONE),
        ("\x08", KeyCode::Char('h'), With::CONTROL),
        ("\x03", KeyCode::Char('c'), With::CONTROL),
        ("\x1a", KeyCode::Char('z'), With::CONTROL),
        ("\x1c", KeyCode::Char('4'), With::CONTROL),
        ("\0", KeyCode::Char(' '), With::CONTROL),
        ("\x1b", KeyCode::Esc, With::NONE),
        ("\x1bq", KeyCode::Char('q'), With::ALT),
        ("\x1bé", KeyCode::Char('é'), With::ALT),
        ("\x1b[A", KeyCode::Up, With::NONE),
        ("\x1bOB", KeyCode::Down, With::NONE),
        ("\x1b[1;5C", KeyCode::Right, With::CONTROL),
        ("\x1b[1;3D", KeyCode::Left, With::ALT),
        ("\x1b[5~", KeyCode::PageUp, With::NONE),
        ("\x1b[6;2~", KeyCode::PageDown, With::SHIFT),
        ("\x1b[H", KeyCode::Home, With::NONE),
        ("\x1b[1~", KeyCode::Home, With::NONE),
        ("\x1b[4~", KeyCode::End, With::NONE),
        ("\x1b[3~", KeyCode::Delete, With::NONE),
        ("\x1bOP", KeyCode::F(1), With::NONE),
        ("\x1b[11~", KeyCode::F(1), With::NONE),
        ("\x1b[[A", KeyCode::F(1), With::NONE),
        ("\x1bOR", KeyCode::F(3), With::NONE),
        ("\x1b[15~", KeyCode::F(5), With::NONE),
        ("\x1b[24~", KeyCode::F(12), With::NONE),
        ("\x1b[99;5u", KeyCode::Char('c'), With::CONTROL),
        ("\x1b[27u", KeyCode::Esc, With::NONE),
    ] {
        assert_eq!(decode(sent.as_bytes()), keys(&[(code, with)]), "{sent:?}");
    }
}

#[test]
fn escape_twice_is_two_keys() {
    let escape = (KeyCode::Esc, With::NONE);
    assert_eq!(decode(b"\x1b\x1b"), keys(&[escape, escape]));
    let up = (KeyCode::Up, With::NONE);
    assert_eq!(decode(b"\x1b\x1b[A"), keys(&[escape, up]));
}

#[test]
fn the_beginning_of_a_reply_that_never_ends_takes_no_keys_for_long() {
    let ctrl_c = (KeyCode::Char('c'), With::CONTROL);
    for begun in ["\x1b]", "\x1bP", "\x1b[", "\x1b]11;rgb", "\x1b[?1"] {
        let events = decode(format!("{begun}\x03").as_bytes());
        assert_eq!(events, keys(&[ctrl_c]), "{begun:?}");
        let mut decoder = Decoder::default();
        let mut events = Vec::new();
        decoder.feed(begun.as_bytes(), &mut events);
        decoder.give_up(&mut events);
        decoder.feed(b"q", &mut events);
        let q = (KeyCode::Char('q'), With::NONE);
        assert_eq!(events, keys(&[q]), "{begun:?}");
    }
}

#[test]
fn the_mouse_is_told_in_both_ways() {
    let event = |kind, column, row, modifiers| {
        Event::Mouse(MouseEvent {
            kind,
            column,
            row,
            modifiers,
        })
    };
    let down = MouseEventKind::Down(MouseButton::Left);
    let up = MouseEventKind::Up(MouseButton::Left);
    let drag = MouseEventKind::Drag(MouseButton::Left);
    for (sent, expected) in [
        ("\x1b[<0;1;1M", event(down, 0, 0, With::NONE)),
        ("\x1b[<0;300;90m", event(up, 299, 89, With::NONE)),
        ("\x1b[<32;5;6M", event(drag, 4, 5, With::NONE)),
        (
            "\x1b[<64;5;6M",
            event(MouseEventKind::ScrollUp, 4, 5, With::NONE),
        ),
        (
            "\x1b[<81;5;6M",
            event(MouseEventKind::ScrollDown, 4, 5, With::CONTROL),
        ),
        ("\x1b[M !!", event(down, 0, 0, With::NONE)),
        ("\x1b[M#%&", event(up, 4, 5, With::NONE)),
    ] {
        assert_eq!(decode(sent.as_bytes()), [expected], "{sent:?}");
    }
    // Columns and rows begin at 1: crossterm's decoder panics at these.
    assert_eq!(decode(b"\x1b[<0;0;0M"), []);
    assert_eq!(decode(b"\x1b[M   "), []);
}

#[test]
fn a_pasted_text_is_one_event_and_its_length_is_bounded() {
    let paste = |text: &str| [Event::Paste(text.to_owned())];
    assert_eq!(
        decode(b"\x1b[200~q\x1b[A\x1b\x1b[201~"),
        paste("q\x1b[A\x1b")
    );
    assert_eq!(decode(b"\x1b[200~never ended"), paste("never ended"));
    let long = format!("\x1b[200~{}\x1b[201~", "x".repeat(MAX_PASTE * 3));
    assert_eq!(decode(long.as_bytes()), paste(&"x".repeat(MAX_PASTE)));
}

proptest! {
    #[test]
    fn any_bytes_are_decoded_alike_however_they_are_cut(
        bytes in proptest::collection::vec(
            prop_oneof![
                any::<u8>(),
                proptest::sample::select(&b"\x1b\x1b[]OPM<>?;:0129~uRcm\x07\\\x18"[..]),
            ],
            0..64,
        ),
        cut in 0_usize..64,
    ) {
        let (left, right) = bytes.split_at(cut.min(bytes.len()));
        prop_assert_eq!(decode(&bytes), decode_in_pieces(&[left, right]));
    }

    #[test]
    fn a_string_of_any_text_is_no_key(
        introducer in proptest::sample::select(&["\x1b]", "\x1bP", "\x1b_", "\x1b^", "\x1bX"][..]),
        text in "[ -~]{0,200}",
        end in proptest::sample::select(&["\x07", "\x1b\\"][..]),
    ) {
        prop_assert_eq!(decode(format!("{introducer}{text}{end}").as_bytes()), []);
    }
}
