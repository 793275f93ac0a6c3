use std::net::Ipv4Addr;

use futures_util::FutureExt;
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

fn source(number: u8) -> ClientNetwork {
    ClientNetwork::V4(Ipv4Addr::new(192, 0, 2, number))
}

fn admission(connections: usize, per_address: usize) -> Admission {
    Admission::new(&Limits {
        connections,
        per_address,
        ..Limits::default()
    })
}

fn is_displaced(ticket: &Ticket) -> bool {
    ticket.displaced().now_or_never().is_some()
}

#[test]
fn new_connection_displaces_the_oldest_pending_of_its_address() {
    let admission = admission(128, 2);
    let (first, _) = admission.admit(source(1));
    let (other, _) = admission.admit(source(2));
    let (second, displaced) = admission.admit(source(1));
    assert_eq!(displaced, 0);
    let (_third, displaced) = admission.admit(source(1));
    assert_eq!(displaced, 1);
    assert!(is_displaced(&first));
    assert!(!is_displaced(&second));
    assert!(!is_displaced(&other));
    // It is too late for it, and its end frees no other's place.
    assert!(first.promote().is_err());
    drop(first);
    assert!(second.promote().is_ok());
}

#[test]
fn full_table_evicts_from_the_address_with_most_pending() {
    let admission = admission(4, 4);
    let (alone, _) = admission.admit(source(1));
    let (first_of_many, _) = admission.admit(source(2));
    let (second_of_many, _) = admission.admit(source(2));
    let (session, _) = admission.admit(source(3));
    session.promote().unwrap();
    let (_newcomer, displaced) = admission.admit(source(4));
    assert_eq!(displaced, 1);
    assert!(is_displaced(&first_of_many));
    for kept in [&alone, &second_of_many, &session] {
        assert!(!is_displaced(kept));
    }
}

#[test]
fn sessions_are_not_displaced_and_refusals_name_the_limit() {
    let admission = admission(3, 2);
    let admit = |number| admission.admit(source(number)).0;
    let sessions = [admit(1), admit(1), admit(2)];
    for session in &sessions {
        session.promote().unwrap();
    }
    let surplus = admit(1);
    assert_eq!(surplus.promote(), Err(Full::PerAddress(2)));
    let next = admit(3);
    assert!(is_displaced(&surplus), "there is one surplus, not two");
    assert_eq!(next.promote(), Err(Full::Connections(3)));
    let [first, ..] = sessions;
    drop(first);
    assert_eq!(next.promote(), Ok(()));
    assert_eq!(
        next.promote(),
        Ok(()),
        "a session that asks twice stays one"
    );
}

#[test]
fn lowered_limit_applies_to_the_next_connection() {
    let admission = admission(8, 8);
    let tickets: Vec<_> = (0..8).map(|_| admission.admit(source(1)).0).collect();
    admission.apply(&Limits {
        connections: 4,
        per_address: 2,
        ..Limits::default()
    });
    assert!(tickets.iter().all(|ticket| !is_displaced(ticket)));
    let (_newcomer, displaced) = admission.admit(source(1));
    assert_eq!(displaced, 7);
}

#[derive(Debug, Clone)]
enum Step {
    Admit(u8),
    Promote(usize),
    Leave(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..5_u8).prop_map(Step::Admit),
        2 => any::<usize>().prop_map(Step::Promote),
        1 => any::<usize>().prop_map(Step::Leave),
    ]
}

proptest! {
    #[test]
    fn limits_are_kept_and_no_session_is_displaced(
        connections in 1..12_usize,
        per_address in 1..6_usize,
        steps in vec(step(), 1..120),
    ) {
        let admission = admission(connections, per_address);
        let mut tickets: Vec<(Ticket, ClientNetwork, bool)> = Vec::new();
        for step in steps {
            match step {
                Step::Admit(number) => {
                    let (ticket, _) = admission.admit(source(number));
                    tickets.push((ticket, source(number), false));
                }
                Step::Promote(which) if !tickets.is_empty() => {
                    let which = which % tickets.len();
                    tickets[which].2 |= tickets[which].0.promote().is_ok();
                }
                Step::Leave(which) if !tickets.is_empty() => {
                    let which = which % tickets.len();
                    drop(tickets.swap_remove(which));
                }
                Step::Promote(_) | Step::Leave(_) => {}
            }
            for (ticket, _, is_session) in &tickets {
                prop_assert!(!(*is_session && is_displaced(ticket)));
            }
            // Displaced connections are closed.
            tickets.retain(|(ticket, ..)| !is_gone(ticket));
            let sessions = tickets.iter().filter(|(.., is_session)| *is_session).count();
            prop_assert!(sessions <= connections);
            prop_assert!(tickets.len() <= connections + 1);
            prop_assert!(tickets.len() <= connections || sessions == connections);
            for number in 0..5 {
                let of = |is_session| tickets.iter()
                    .filter(|ticket| ticket.1 == source(number) && ticket.2 == is_session)
                    .count();
                let (pending, sessions) = (of(false), of(true));
                prop_assert!(sessions <= per_address);
                prop_assert!(pending + sessions <= per_address || pending == 1);
            }
        }
        drop(tickets);
        let table = admission.0.lock();
        prop_assert!(table.entries.is_empty() && table.tallies.is_empty() && table.sessions == 0);
    }
}

fn is_gone(ticket: &Ticket) -> bool {
    !ticket.table.lock().entries.contains_key(&ticket.id)
}
