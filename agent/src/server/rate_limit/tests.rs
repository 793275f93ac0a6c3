use std::time::Duration;

use futures_util::FutureExt;
use proptest::collection::vec;
use proptest::prelude::*;
use tokio::time::advance;

use super::*;

fn rate_limits(requests_per_second: u32, connections_per_second: u32) -> RateLimits {
    RateLimits::new(&Limits {
        requests_per_second,
        connections_per_second,
        ..Limits::default()
    })
}

fn peer(number: u8) -> Peer {
    Peer::Network(([192, 0, 2, number], 9).into())
}

/// Asks as often as may be at once.
fn ask(allowance: &mut Allowance) -> u32 {
    let mut asked = 0;
    while allowance.ready().now_or_never().is_some() {
        allowance.take(Instant::now());
        asked += 1;
    }
    asked
}

#[tokio::test(start_paused = true)]
async fn reconnecting_does_not_raise_the_request_rate() {
    let rate_limits = rate_limits(10, 50);
    let pass = Grant::of_token("one");
    let start = Instant::now();
    let mut asked = 0;
    for _ in 0..100 {
        asked += ask(&mut rate_limits.requests(peer(1), &pass));
        advance(Duration::from_millis(30)).await;
    }
    // Three seconds at ten, and a burst of twenty.
    assert!(start.elapsed() == Duration::from_secs(3));
    assert!((49..=50).contains(&asked), "{asked}");
}

#[tokio::test(start_paused = true)]
async fn token_has_four_times_the_request_rate_of_an_address() {
    let rate_limits = rate_limits(10, 50);
    let by = |number, name| ask(&mut rate_limits.requests(peer(number), &Grant::of_token(name)));
    let asked: u32 = (0..200).map(|number| by(number, "one")).sum();
    assert_eq!(asked, 80);
    // Another token of a new address is not touched.
    assert_eq!(by(201, "other"), 20);
}

#[tokio::test(start_paused = true)]
async fn rate_limited_address_does_not_slow_others() {
    let rate_limits = rate_limits(10, 50);
    ask(&mut rate_limits.requests(peer(1), &Grant::of_token("one")));
    assert_eq!(
        ask(&mut rate_limits.requests(peer(2), &Grant::of_token("other"))),
        20
    );
}

#[tokio::test(start_paused = true)]
async fn in_process_client_is_not_rate_limited() {
    let rate_limits = rate_limits(1, 1);
    let mut allowance = rate_limits.requests(Peer::InProcess, &Grant::of_token("one"));
    for _ in 0..1000 {
        allowance.ready().now_or_never().unwrap();
        allowance.take(Instant::now());
    }
}

#[tokio::test(start_paused = true)]
async fn waiting_connection_that_leaves_frees_its_turn() {
    let rate_limits = rate_limits(100, 10);
    let source = ClientNetwork::V6(1);
    for _ in 0..20 {
        let turn = rate_limits.connection(source);
        assert!(!turn.waits());
        turn.wait().await;
    }
    // A thousand come and go while they wait.
    for _ in 0..1000 {
        assert!(rate_limits.connection(source).waits());
    }
    let start = Instant::now();
    rate_limits.connection(source).wait().await;
    assert_eq!(start.elapsed(), Duration::from_millis(100));
    assert!(!rate_limits.connection(ClientNetwork::V6(2)).waits());
}

#[tokio::test(start_paused = true)]
async fn changed_limits_apply_to_later_clients() {
    let rate_limits = rate_limits(10, 10);
    let pass = Grant::of_token("one");
    let mut old = rate_limits.requests(peer(1), &pass);
    rate_limits.apply(&Limits {
        requests_per_second: 50,
        ..Limits::default()
    });
    assert_eq!(ask(&mut old), 20);
    assert_eq!(ask(&mut rate_limits.requests(peer(1), &pass)), 100);
}

#[tokio::test(start_paused = true)]
async fn disconnected_address_is_forgotten_once_its_bucket_is_full() {
    let rate_limits = rate_limits(100, 50);
    for number in 0..100_000 {
        rate_limits
            .connection(ClientNetwork::V6(number))
            .wait()
            .await;
        // A thousand a second: twenty are not full yet.
        advance(Duration::from_millis(1)).await;
    }
    assert!(rate_limits.table().buckets.len() <= FEW_BUCKETS);
}

#[tokio::test(start_paused = true)]
async fn memory_is_bounded_for_any_number_of_addresses() {
    let rate_limits = rate_limits(100, 1);
    let greedy = ClientNetwork::V6(u64::MAX);
    let held: Vec<_> = (0..3).map(|_| rate_limits.connection(greedy)).collect();
    for number in 0..100_000 {
        rate_limits
            .connection(ClientNetwork::V6(number))
            .wait()
            .await;
    }
    assert!(rate_limits.table().buckets.len() <= 4 * MOST_UNUSED);
    // A connected address is not forgotten.
    assert!(rate_limits.connection(greedy).waits());
    drop(held);
}

proptest! {
    #[test]
    fn turns_do_not_exceed_the_rate_and_the_burst(
        steps in vec((any::<bool>(), 0..200_u64), 1..200),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let rate_limits = rate_limits(100, 10);
            let start = Instant::now();
            let mut waiting: Vec<Turn> = Vec::new();
            let mut came = 0_u128;
            for (leaves, milliseconds) in steps {
                waiting.push(rate_limits.connection(ClientNetwork::V6(1)));
                if leaves {
                    waiting.remove(waiting.len() / 2);
                }
                advance(Duration::from_millis(milliseconds)).await;
                let now = Instant::now();
                for turn in waiting.extract_if(.., |turn| turn.at <= now) {
                    turn.wait().await;
                    came += 1;
                }
                assert!(came <= 20 + start.elapsed().as_millis() / 100, "{came}");
            }
        });
    }
}
