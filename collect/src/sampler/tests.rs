//! Tests of samples that are shared, kept and released.

use std::cell::Cell;

use super::*;
use crate::fixture::Tree;

fn counting<'a>(
    entry: &'a Entry<()>,
    ttl: Duration,
    count: &'a Cell<u32>,
) -> impl Future<Output = Arc<Sample>> + 'a {
    entry.sample(Query::Disks, ttl, async |(), _| {
        sleep(Duration::from_millis(10)).await;
        count.set(count.get() + 1);
        Error::new(ErrorCode::NotFound, count.get().to_string()).into()
    })
}

#[tokio::test(start_paused = true)]
async fn concurrent_requests_share_one_collection_without_a_cache() {
    let entry = Entry::new(());
    let ttl = Duration::ZERO;
    let count = Cell::new(0);
    let (one, other) = tokio::join!(counting(&entry, ttl, &count), counting(&entry, ttl, &count));
    assert!(Arc::ptr_eq(&one, &other));
    counting(&entry, ttl, &count).await;
    assert_eq!(count.get(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_sample_is_shared_for_its_time_to_live() {
    let entry = Entry::new(());
    let ttl = Duration::from_millis(250);
    let count = Cell::new(0);
    counting(&entry, ttl, &count).await;
    sleep(Duration::from_millis(249)).await;
    counting(&entry, ttl, &count).await;
    assert_eq!(count.get(), 1);
    sleep(Duration::from_millis(1)).await;
    counting(&entry, ttl, &count).await;
    assert_eq!(count.get(), 2);
}

fn sampler_with_a_sample(query: Query) -> Arc<Sampler> {
    let sampler = Sampler::new(&Root::default(), &Sampling::default());
    let entry = sampler.entry_of(query);
    let sample = Sample::new(query, Error::new(ErrorCode::NotFound, "one").into());
    entry.state.try_lock().unwrap().last = Some((Instant::now(), Arc::new(sample)));
    Arc::new(sampler)
}

#[tokio::test(start_paused = true)]
async fn expired_process_samples_are_released_by_the_next_request() {
    let sampler = sampler_with_a_sample(Query::Process { pid: 1 });
    sampler.sample(Query::Host).await;
    assert_eq!(sampler.per_process().len(), 1);
    tokio::time::advance(PER_PROCESS_AGE).await;
    sampler.sample(Query::Host).await;
    assert_eq!(sampler.per_process().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn process_samples_are_released_with_the_last_session() {
    let sampler = sampler_with_a_sample(Query::Journal { pid: 1 });
    let [one, other] = [sampler.conversation(), sampler.conversation()];
    drop(one);
    assert_eq!(sampler.per_process().len(), 1);
    drop(other);
    assert_eq!(sampler.per_process().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn collection_abandoned_by_its_client_is_repeated() {
    let entry = Entry::new(());
    let ttl = Duration::ZERO;
    let count = Cell::new(0);
    tokio::time::timeout(Duration::from_millis(5), counting(&entry, ttl, &count))
        .await
        .unwrap_err();
    counting(&entry, ttl, &count).await;
    assert_eq!(count.get(), 1);
}

fn one_sensor(millidegrees: &str) -> Tree {
    Tree::new(&[
        ("sys/class/hwmon/hwmon0/name", "cpu_thermal\n"),
        ("sys/class/hwmon/hwmon0/temp1_input", millidegrees),
    ])
}

fn temperatures(sample: &Sample) -> Vec<Option<f32>> {
    match &sample.body().kind {
        Some(body::Kind::Sensors(list)) => list.sensors.iter().map(|it| it.celsius).collect(),
        other => panic!("no sensors: {other:?}"),
    }
}

#[tokio::test]
async fn sensors_are_read_once_within_their_time_to_live() {
    let tree = one_sensor("40000\n");
    let sampler = Sampler::new(&tree.root(), &Sampling::default());
    let first = sampler.sample(Query::Sensors).await;
    assert_eq!(temperatures(&first), [Some(40.0)]);
    tree.write("sys/class/hwmon/hwmon0/temp1_input", "41000\n");
    let second = sampler.sample(Query::Sensors).await;
    assert!(Arc::ptr_eq(&first, &second));
    tokio::time::pause();
    tokio::time::advance(SENSORS_TTL).await;
    tokio::time::resume();
    let third = sampler.sample(Query::Sensors).await;
    assert_eq!(temperatures(&third), [Some(41.0)]);
}

#[tokio::test]
async fn sensors_are_unavailable_where_temperatures_are_switched_off() {
    let off = Sampling {
        temperature: false,
        ..Sampling::default()
    };
    let tree = one_sensor("40000\n");
    let sampler = Sampler::new(&tree.root(), &off);
    let sample = sampler.sample(Query::Sensors).await;
    let Some(body::Kind::Error(error)) = &sample.body().kind else {
        panic!("{sample:?}");
    };
    assert_eq!(error.code(), ErrorCode::Unavailable);
    assert!(error.message.contains("collect.temperature"), "{error:?}");
    sampler.apply(&Sampling::default());
    let sample = sampler.sample(Query::Sensors).await;
    assert_eq!(temperatures(&sample), [Some(40.0)]);
}
