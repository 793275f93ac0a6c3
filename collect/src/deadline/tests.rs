//! Tests of calls that return, hang, panic and are abandoned.

use parking_lot::Condvar;

use super::*;

const BOUNDS: Bounds = Bounds {
    name: "test",
    deadline: Duration::from_millis(300),
    threads: 6,
    hung_of_one_user: 2,
};

/// Holds calls until it is opened; counts those it was asked to hold.
#[derive(Default)]
struct Gate {
    is_open: Mutex<bool>,
    opened: Condvar,
    passed: Mutex<u32>,
}

impl Gate {
    fn hold(&self) {
        *self.passed.lock() += 1;
        let mut is_open = self.is_open.lock();
        self.opened.wait_while(&mut is_open, |open| !*open);
    }

    fn open(&self) {
        *self.is_open.lock() = true;
        self.opened.notify_all();
    }
}

fn call(
    key: u32,
    user: Option<u32>,
    make: impl FnOnce() -> u32 + Send + 'static,
) -> Call<u32, u32> {
    let make = Box::new(make);
    Call { key, user, make }
}

fn returns(key: u32) -> Call<u32, u32> {
    call(key, None, move || key)
}

fn hangs(gate: &Arc<Gate>, key: u32, user: Option<u32>) -> Call<u32, u32> {
    let gate = Arc::clone(gate);
    call(key, user, move || {
        gate.hold();
        key
    })
}

fn threads(helpers: &Helpers<u32>) -> usize {
    helpers.shared.progress.lock().threads
}

async fn until(condition: impl Fn() -> bool) {
    while !condition() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

fn is_hung(outcome: &Outcome<u32>) -> bool {
    matches!(outcome, Outcome::Hung(_))
}

#[tokio::test]
async fn outcomes_are_in_the_order_of_the_calls_and_no_thread_is_left() {
    let helpers = Helpers::new(BOUNDS);
    let outcomes = helpers.run((0..100).map(returns).collect()).await;
    assert_eq!(
        outcomes,
        (0..100).map(Outcome::Returned).collect::<Vec<_>>()
    );
    assert_eq!(threads(&helpers), 0);
    assert_eq!(helpers.run::<u32>(Vec::new()).await, []);
}

#[tokio::test]
async fn hung_call_blocks_no_other_and_is_not_repeated_before_it_returns() {
    let helpers = Helpers::new(BOUNDS);
    let gate = Arc::new(Gate::default());
    for _ in 0..3 {
        let calls = vec![returns(0), hangs(&gate, 1, None), returns(2)];
        let outcomes = helpers.run(calls).await;
        assert_eq!(outcomes[0], Outcome::Returned(0));
        assert!(is_hung(&outcomes[1]), "{outcomes:?}");
        assert_eq!(outcomes[2], Outcome::Returned(2));
    }
    assert_eq!((*gate.passed.lock(), threads(&helpers)), (1, 1));
    gate.open();
    until(|| threads(&helpers) == 0).await;
    let outcomes = helpers.run(vec![hangs(&gate, 1, None)]).await;
    assert_eq!(outcomes, [Outcome::Returned(1)]);
}

#[tokio::test]
async fn hung_calls_of_one_user_leave_threads_for_others() {
    let helpers = Helpers::new(BOUNDS);
    let gate = Arc::new(Gate::default());
    let first = vec![hangs(&gate, 0, Some(7)), hangs(&gate, 1, Some(7))];
    assert!(helpers.run(first).await.iter().all(is_hung));
    let mut second: Vec<_> = (2..50).map(|key| hangs(&gate, key, Some(7))).collect();
    second.push(call(50, Some(8), || 50));
    second.push(returns(51));
    let outcomes = helpers.run(second).await;
    assert!(
        outcomes[..48]
            .iter()
            .all(|outcome| *outcome == Outcome::NotMade)
    );
    assert_eq!(
        outcomes[48..],
        [Outcome::Returned(50), Outcome::Returned(51)]
    );
    assert_eq!(*gate.passed.lock(), 2);
    gate.open();
}

#[tokio::test]
async fn concurrent_calls_of_one_user_are_limited() {
    let helpers = Helpers::new(BOUNDS);
    let gate = Arc::new(Gate::default());
    // As many threads as there may be, before any call is known to hang.
    let (answers, _received) = mpsc::unbounded_channel();
    let calls = (0..40).map(|key| hangs(&gate, key, Some(7))).enumerate();
    let round = Arc::new(Round {
        shared: Arc::clone(&helpers.shared),
        hung_of_one_user: BOUNDS.hung_of_one_user,
        queue: Mutex::new(calls.collect()),
        answers,
    });
    let threads: Vec<_> = (0..BOUNDS.threads)
        .filter_map(|_| helpers.start_thread(&round))
        .collect();
    until(|| match *gate.passed.lock() {
        0 | 1 => false,
        2 => self::threads(&helpers) == 2,
        _ => true,
    })
    .await;
    assert_eq!(*gate.passed.lock(), 2);
    gate.open();
    for thread in threads {
        thread.join().unwrap();
    }
}

#[tokio::test]
async fn number_of_threads_is_bounded_when_all_calls_hang() {
    let helpers = Helpers::new(BOUNDS);
    let gate = Arc::new(Gate::default());
    for round in 0..3 {
        let calls = (0..40).map(|key| hangs(&gate, round * 100 + key, None));
        let outcomes = helpers.run(calls.collect()).await;
        assert!(
            !outcomes
                .iter()
                .any(|outcome| matches!(outcome, Outcome::Returned(_)))
        );
        assert_eq!(threads(&helpers), BOUNDS.threads);
    }
    gate.open();
    until(|| threads(&helpers) == 0).await;
}

#[tokio::test]
async fn call_of_an_abandoned_round_is_not_taken_for_hung() {
    let helpers = Helpers::new(Bounds {
        deadline: Duration::from_mins(1),
        ..BOUNDS
    });
    let gate = Arc::new(Gate::default());
    let abandoned = helpers.run(vec![hangs(&gate, 1, None)]);
    tokio::select! {
        _ = abandoned => panic!("it hangs"),
        () = until(|| *gate.passed.lock() == 1) => {}
    }
    let again = helpers.run(vec![hangs(&gate, 1, None)]);
    let (outcomes, ()) = tokio::join!(again, async { gate.open() });
    assert_eq!(outcomes, [Outcome::Returned(1)]);
}

#[tokio::test]
async fn panicking_call_ends_alone_and_is_not_waited_for() {
    let helpers = Helpers::new(Bounds {
        deadline: Duration::from_hours(1),
        ..BOUNDS
    });
    let panics = call(1, None, || panic!("on purpose"));
    let outcomes = helpers.run(vec![returns(0), panics, returns(2)]).await;
    assert_eq!(outcomes[0], Outcome::Returned(0));
    assert_eq!(outcomes[1], Outcome::NotMade);
    assert_eq!(outcomes[2], Outcome::Returned(2));
    assert_eq!(threads(&helpers), 0);
}

#[tokio::test]
async fn calls_with_one_key_never_run_concurrently() {
    let helpers = Helpers::new(BOUNDS);
    let gate = Arc::new(Gate::default());
    // The second thread joins after a stall.
    let outcomes = helpers
        .run((0..4).map(|_| hangs(&gate, 1, None)).collect())
        .await;
    assert!(outcomes.iter().all(is_hung), "{outcomes:?}");
    assert_eq!(*gate.passed.lock(), 1);
    gate.open();
}

#[tokio::test]
async fn a_started_call_is_not_started_twice() {
    let helpers = Helpers::new(BOUNDS);
    let gate = Arc::new(Gate::default());
    assert!(helpers.start(hangs(&gate, 1, None)));
    until(|| *gate.passed.lock() == 1).await;
    assert!(!helpers.start(hangs(&gate, 1, None)));
    gate.open();
    until(|| threads(&helpers) == 0).await;
    assert_eq!(*gate.passed.lock(), 1);
    assert!(helpers.start(hangs(&gate, 1, None)));
}
