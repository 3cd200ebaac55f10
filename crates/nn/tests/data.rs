//! Data: how it is divided, dealt out, scaled, varied and generated.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use approx::assert_relative_eq;
use nn::data::{
    Augment, Batch, DataError, DataLoader, Dataset, MinMax, Scaler, Standardize, Targets,
    TrainingData, Vocabulary, blobs, circles, digits, iris, line, names, sunspots_monthly,
    sunspots_yearly, windows,
};
use nn::prelude::*;

/// `samples` images of 2 × 3 pixels; the pixels count on from image to image.
fn counting(samples: usize) -> Dataset<f64> {
    let pixels = (0..samples * 6).map(|i| i as f64).collect();
    let inputs = Tensor::from_shape_vec(&[samples, 2, 3], pixels).unwrap();
    Dataset::classification(inputs, (0..samples).map(|i| i % 3).collect(), 3).unwrap()
}

/// Which samples of `counting` these are.
fn rows(data: &Dataset<f64>) -> Vec<usize> {
    data.inputs().to_vec().iter().step_by(6).map(|&pixel| pixel as usize / 6).collect()
}

fn text<T>(result: Result<T, DataError>) -> String {
    result.err().expect("an error").to_string()
}

#[test]
fn three_parts_hold_every_sample_once() {
    let data = counting(20);
    let (train, validation, test) = data.split_three(0.15, 0.25, 3).unwrap();
    assert_eq!([train.len(), validation.len(), test.len()], [12, 3, 5]);
    let mut all = [rows(&train), rows(&validation), rows(&test)].concat();
    assert_ne!(all, (0..20).collect::<Vec<_>>(), "the samples are shuffled");
    all.sort_unstable();
    assert_eq!(all, (0..20).collect::<Vec<_>>());
    assert_eq!(data.split_three(0.15, 0.25, 3).unwrap().1, validation);
    let parts = "fractions of 0.5 and 0.5 of 20 rows for validation and test give 10 and 10 rows \
                 and leave 0 for training; each part needs at least one";
    assert_eq!(text(data.split_three(0.5, 0.5, 3)), parts);
    for (validation, test) in
        [(0.0, 0.5), (0.5, 0.0), (f64::NAN, 0.5), (0.5, f64::INFINITY), (0.1, -0.1), (0.7, 0.7)]
    {
        let error = data.split_three(validation, test, 3).unwrap_err();
        assert!(matches!(error, DataError::ThreeWaySplit { .. }), "{error}");
    }
}

#[test]
fn a_stratified_split_keeps_the_shares_of_the_classes() {
    // 16 samples of class 0, 8 of class 5, 2 of class 7, and none of the others.
    let labels = [vec![0; 16], vec![5; 8], vec![7; 2]].concat();
    let inputs: Vec<f64> = (0..26).map(f64::from).collect();
    let inputs = Tensor::from_shape_vec(&[26, 1], inputs).unwrap();
    let data = Dataset::classification(inputs.clone(), labels, 1_000_000_000).unwrap();
    let count = |part: &Dataset<f64>| {
        [0, 5, 7].map(|class| part.labels().unwrap().iter().filter(|&&l| l == class).count())
    };
    for seed in 0..5 {
        let (train, test) = data.split_stratified(0.25, seed).unwrap();
        assert_eq!((count(&train), count(&test)), ([12, 6, 1], [4, 2, 1]));
        let mut all = [train.inputs().to_vec(), test.inputs().to_vec()].concat();
        all.sort_by(f64::total_cmp);
        assert_eq!(all, inputs.to_vec());
    }
    assert_ne!(data.split_stratified(0.25, 0).unwrap(), data.split_stratified(0.25, 1).unwrap());
    let (train, test) = data.split_stratified(0.999, 0).unwrap();
    assert_eq!((count(&train), count(&test)), ([1, 1, 1], [15, 7, 1]));
    let single = Dataset::classification(inputs.clone(), [vec![0; 25], vec![1]].concat(), 2);
    assert!(text(single.unwrap().split_stratified(0.5, 0)).contains("class 1 has one sample"));
    let values = Dataset::regression(inputs.clone(), inputs).unwrap();
    assert!(matches!(values.split_stratified(0.5, 0), Err(DataError::NotLabels { .. })));
    for fraction in [0.0, 1.0, -0.5, f64::NAN] {
        let error = data.split_stratified(fraction, 0).unwrap_err();
        assert!(matches!(error, DataError::Split { .. }), "{error}");
    }
}

#[test]
fn a_split_in_time_keeps_the_order() {
    let data = counting(5);
    let (first, last) = data.split_at(3).unwrap();
    assert_eq!((rows(&first), rows(&last)), (vec![0, 1, 2], vec![3, 4]));
    let expected = "a split before row 5 was asked for, but 5 rows can be split before row 1 to 4";
    assert_eq!(text(data.split_at(5)), expected);
    assert!(data.split_at(0).is_err());
}

#[test]
fn names_of_classes_stay_with_the_samples() {
    let data = counting(6).with_class_names(["a", "b", "c"]).unwrap();
    assert_eq!(data.split(0.5, 0).unwrap().1.class_names().unwrap(), ["a", "b", "c"]);
    assert_eq!(data.flatten().class_names().unwrap().len(), 3);
    assert_eq!(data.one_hot().unwrap().class_names(), None);
    let names = "2 names were given for 3 classes; each class needs one";
    assert_eq!(text(data.with_class_names(["a", "b"])), names);
    let values = nn::data::xor::<f64>().with_class_names(["a"]);
    assert!(matches!(values, Err(DataError::NotLabels { .. })));
}

#[test]
fn numbers_that_are_not_finite_are_found() {
    assert!(counting(4).check_finite().is_ok());
    let mut pixel = 0;
    let broken = counting(4).map_inputs(|x| {
        pixel += 1;
        if pixel > 16 { f64::INFINITY } else { x }
    });
    // The 17th of 6 to a row.
    let place = "row 2 of the inputs holds inf at [1, 1]; every number must be finite";
    assert_eq!(text(broken.check_finite()), place);
    let values = Tensor::from([0.0, f64::NAN]);
    let values = Dataset::regression(Tensor::from([1.0, 2.0]), values).unwrap();
    let place = "row 1 of the values holds NaN; every number must be finite";
    assert_eq!(text(values.check_finite()), place);
}

#[test]
fn reshaped_samples_keep_their_numbers() {
    let data = counting(3);
    let images = data.reshape_samples(&[1, 3, 2]).unwrap();
    assert_eq!(images.inputs().shape(), [3, 1, 3, 2]);
    assert_eq!(images.inputs().to_vec(), data.inputs().to_vec());
    assert_eq!(images.targets(), data.targets());
    for shape in [&[7][..], &[], &[0], &[usize::MAX, 2], &[6, 0]] {
        assert!(matches!(data.reshape_samples(shape), Err(DataError::Reshape { .. })));
    }
}

// The loader.

fn all_augmentations() -> [Augment<f64>; 5] {
    [
        Augment::shift(1),
        Augment::flip(),
        Augment::rotate(30.0),
        Augment::noise(0.5),
        Augment::custom(|mut sample, rng| {
            let factor: f64 = rand::RngExt::random(rng);
            sample.mapv_inplace(|x| x * factor);
        }),
    ]
}

fn augmented(prefetch: usize) -> DataLoader<f64> {
    let loader = DataLoader::new(counting(23), 4).unwrap().shuffle(9);
    loader.augment(all_augmentations(), 5).unwrap().prefetch(prefetch)
}

#[test]
fn a_loader_deals_out_what_batches_does() {
    let data = counting(11);
    let loader = DataLoader::new(data.clone(), 4).unwrap();
    let plain: Vec<_> = data.batches(4, None).unwrap().collect();
    assert_eq!(loader.epoch(1).collect::<Vec<_>>(), plain);
    assert_eq!((loader.batches_per_epoch(), loader.samples_per_epoch()), (3, 11));
    let loader = loader.shuffle(7);
    for epoch in 1..4 {
        let expected = data.batches(4, Some(nn::epoch_seed(7, epoch))).unwrap();
        assert_eq!(loader.epoch(epoch).len(), 3);
        assert_eq!(loader.epoch(epoch).collect::<Vec<_>>(), expected.collect::<Vec<_>>());
    }
    // What a training run makes of a dataset, and of a loader with settings of its own.
    let run = TrainingData::loader(&data, 4, 7).unwrap();
    assert_eq!(run.epoch(2).collect::<Vec<_>>(), loader.epoch(2).collect::<Vec<_>>());
    assert_eq!(TrainingData::loader(&loader, 1, 1).unwrap().batch_size(), 4);
    assert!(matches!(TrainingData::loader(&data, 0, 7), Err(DataError::BatchSize)));
}

#[test]
fn prefetching_changes_nothing() {
    let plain = augmented(0);
    for ahead in [1, 2, 100, usize::MAX] {
        let ahead = augmented(ahead);
        // In any order of epochs, as a run that is resumed needs it.
        for epoch in [3, 1, 2, 1] {
            let batches: Vec<_> = ahead.epoch(epoch).collect();
            assert_eq!(batches, plain.epoch(epoch).collect::<Vec<_>>());
        }
    }
    let inputs = |epoch| plain.epoch(epoch).map(|batch| batch.inputs).collect::<Vec<_>>();
    assert_ne!(inputs(1), inputs(2));
    let other = DataLoader::new(counting(23), 4).unwrap().shuffle(9);
    let other = other.augment(all_augmentations(), 6).unwrap();
    let indices = |loader: &DataLoader<f64>| {
        loader.epoch(1).flat_map(|batch| batch.indices).collect::<Vec<_>>()
    };
    assert_eq!(indices(&other), indices(&plain), "the seeds of order and change are two");
    assert_ne!(other.epoch(1).next().unwrap().inputs, plain.epoch(1).next().unwrap().inputs);
}

#[test]
fn every_batch_and_epoch_and_seed_draws_anew() {
    let zeros = Dataset::classification(Tensor::<f64>::zeros(&[6, 2, 2]), vec![0; 6], 1).unwrap();
    let mut drawn = Vec::new();
    for seed in [1, 2] {
        let loader = DataLoader::new(zeros.clone(), 2).unwrap();
        let loader = loader.augment([Augment::noise(1.0)], seed).unwrap();
        for epoch in [1, 2] {
            drawn.extend(loader.epoch(epoch).map(|batch| batch.inputs.to_vec()));
        }
    }
    assert_eq!(drawn.len(), 12);
    for (i, batch) in drawn.iter().enumerate() {
        assert!(drawn[..i].iter().all(|other| other != batch), "batch {i} repeats another");
    }
}

// Pins the generator and the order of the draws: a change would change every published run.
#[test]
fn a_seed_means_the_same_changes_everywhere() {
    let shifted = |seed| {
        let step = Augment::Shift { rows: 1, columns: 1, fill: 0.0 };
        step.apply(&image(SQUARE), &mut nn::rng(seed)).unwrap().to_vec()
    };
    assert_eq!(shifted(0), [0., 0., 0., 1., 2., 3., 4., 5., 6.]);
    assert_eq!(shifted(1), [2., 3., 0., 5., 6., 0., 8., 9., 0.]);
}

#[test]
fn two_epochs_at_a_time_do_not_disturb_each_other() {
    let loader = augmented(2);
    let (mut first, mut second) = (loader.epoch(1), loader.epoch(2));
    let mut woven: [Vec<Batch<f64>>; 2] = [Vec::new(), Vec::new()];
    while let (Some(a), Some(b)) = (first.next(), second.next()) {
        woven[0].push(a);
        woven[1].push(b);
    }
    let plain = augmented(0);
    assert_eq!(woven, [1, 2].map(|epoch| plain.epoch(epoch).collect::<Vec<_>>()));
}

#[test]
fn the_last_incomplete_batch_can_be_left_out() {
    let loader = DataLoader::new(counting(11), 4).unwrap().shuffle(1).drop_last().unwrap();
    assert_eq!((loader.batches_per_epoch(), loader.samples_per_epoch()), (2, 8));
    for prefetch in [0, 2] {
        let sizes: Vec<_> = loader.clone().prefetch(prefetch).epoch(1).map(|b| b.len()).collect();
        assert_eq!(sizes, [4, 4]);
    }
    let left_out = |epoch| {
        let seen: Vec<_> = loader.epoch(epoch).flat_map(|batch| batch.indices).collect();
        (0..11).filter(|row| !seen.contains(row)).collect::<Vec<_>>()
    };
    assert_eq!(left_out(1).len(), 3);
    assert_ne!(left_out(1), left_out(2));
    let exact = DataLoader::new(counting(8), 4).unwrap().drop_last().unwrap();
    assert_eq!(exact.epoch(1).count(), 2);
    let error = text(DataLoader::new(counting(3), 4).unwrap().drop_last());
    assert!(error.contains("leave none of 3 rows"), "{error}");
    assert!(matches!(DataLoader::new(counting(3), 0), Err(DataError::BatchSize)));
    let whole = DataLoader::new(counting(3), usize::MAX).unwrap();
    assert_eq!(whole.epoch(1).map(|batch| batch.len()).collect::<Vec<_>>(), [3]);
}

/// A loader whose custom step counts the samples it has seen, and panics at one of them.
fn panicking(at: usize, prefetch: usize) -> (DataLoader<f64>, Arc<AtomicUsize>) {
    let seen = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&seen);
    let step = Augment::custom(move |_, _| {
        let sample = counter.fetch_add(1, Ordering::SeqCst);
        assert!(sample != at, "sample {at} is broken");
    });
    let loader = DataLoader::new(counting(40), 4).unwrap().augment([step], 0).unwrap();
    (loader.prefetch(prefetch), seen)
}

#[test]
fn a_panic_while_making_a_batch_reaches_the_caller_at_that_batch() {
    for prefetch in [0, 1, 3] {
        let (loader, _) = panicking(9, prefetch);
        let mut epoch = loader.epoch(1);
        assert_eq!(epoch.next().unwrap().indices, [0, 1, 2, 3]);
        assert_eq!(epoch.next().unwrap().indices, [4, 5, 6, 7]);
        let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| epoch.next()));
        let message = panic.expect_err("the third batch cannot be made");
        assert_eq!(message.downcast_ref::<String>().unwrap(), "sample 9 is broken");
        if prefetch > 0 {
            assert!(epoch.next().is_none());
        }
    }
}

#[test]
fn an_epoch_dropped_early_stops_its_thread() {
    let seen = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&seen);
    let slow = Augment::custom(move |_, _| {
        std::thread::sleep(Duration::from_millis(2));
        counter.fetch_add(1, Ordering::SeqCst);
    });
    let loader = DataLoader::new(counting(40), 4).unwrap().augment([slow], 0).unwrap().prefetch(2);
    let mut epoch = loader.epoch(1);
    epoch.next().unwrap();
    drop(epoch);
    // The drop has waited for the thread: nothing is made any more.
    let made = seen.load(Ordering::SeqCst);
    assert!((4..=16).contains(&made), "{made} samples were made for a batch of 4 and 2 ahead");
    std::thread::sleep(Duration::from_millis(20));
    assert_eq!(seen.load(Ordering::SeqCst), made);
    // A panic that nobody asked for is not passed on.
    let (loader, _) = panicking(0, 1);
    let epoch = loader.epoch(1);
    std::thread::sleep(Duration::from_millis(20));
    drop(epoch);
}

#[test]
fn a_thread_makes_no_more_than_was_asked_for_ahead() {
    for ahead in [1, 2, 4] {
        let (loader, seen) = panicking(usize::MAX, ahead);
        let epoch = loader.epoch(1);
        let wanted = 4 * ahead;
        for _ in 0..1000 {
            if seen.load(Ordering::SeqCst) >= wanted {
                break;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_millis(20));
        assert_eq!(seen.load(Ordering::SeqCst), wanted);
        assert_eq!(epoch.count(), 10);
    }
}

#[test]
fn loaders_and_batches_go_to_other_threads() {
    fn sendable<T: Send + Sync + 'static>() {}
    sendable::<DataLoader<f32>>();
    sendable::<Batch<f32>>();
    let data = Arc::new(counting(12));
    let loaders = [2, 5].map(|size| DataLoader::new(Arc::clone(&data), size).unwrap());
    let counts = loaders.map(|loader| std::thread::spawn(move || loader.epoch(1).count()));
    assert_eq!(counts.map(|count| count.join().unwrap()), [6, 3]);
}

// Augmentation.

fn image(pixels: [[f64; 3]; 3]) -> Tensor<f64> {
    Tensor::from([pixels])
}

const SQUARE: [[f64; 3]; 3] = [[1., 2., 3.], [4., 5., 6.], [7., 8., 9.]];

#[test]
fn a_shift_moves_whole_pixels_by_every_distance_as_often() {
    let step = Augment::Shift { rows: 1, columns: 1, fill: -1.0 };
    let mut rng = nn::rng(3);
    let mut counts = std::collections::BTreeMap::<String, usize>::new();
    for _ in 0..900 {
        let moved = step.apply(&image(SQUARE), &mut rng).unwrap();
        *counts.entry(format!("{:?}", moved.to_vec())).or_default() += 1;
    }
    let down_right = [-1., -1., -1., -1., 1., 2., -1., 4., 5.];
    let up = [4., 5., 6., 7., 8., 9., -1., -1., -1.];
    assert!(counts.contains_key(&format!("{down_right:?}")));
    assert!(counts.contains_key(&format!("{up:?}")));
    assert!(counts.contains_key("[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]"));
    assert_eq!(counts.len(), 9);
    // 100 each, with a standard deviation of 9.4: within 4 of it.
    assert!(counts.values().all(|count| (62..=138).contains(count)), "{counts:?}");
    // By as much as the image is large, it may leave the picture.
    let far = Augment::Shift { rows: 3, columns: 0, fill: 0.0 };
    let gone = (0..100).map(|_| far.apply(&image(SQUARE), &mut rng).unwrap());
    assert!(gone.into_iter().any(|image| image == Tensor::zeros(&[1, 3, 3])));
}

#[test]
fn a_flip_mirrors_left_and_right_as_often_as_it_is_told() {
    let mut rng = nn::rng(0);
    let mirrored = image([[3., 2., 1.], [6., 5., 4.], [9., 8., 7.]]);
    let flip = |probability| Augment::<f64>::Flip { probability };
    assert_eq!(flip(1.0).apply(&image(SQUARE), &mut rng).unwrap(), mirrored);
    assert_eq!(flip(0.0).apply(&image(SQUARE), &mut rng).unwrap(), image(SQUARE));
    let flips =
        (0..400).filter(|_| flip(0.25).apply(&image(SQUARE), &mut rng).unwrap() == mirrored);
    // 100 expected, with a standard deviation of 8.7.
    let flips = flips.count();
    assert!((65..=135).contains(&flips), "{flips}");
}

/// The angle that a rotation drew, from what it did to a picture of the coordinate x, which a
/// rotation by φ turns into x cos φ − y sin φ (y down) where nothing comes in from outside.
fn angle(rotated: &Tensor<f64>) -> f64 {
    let [right, down] = [rotated.view()[[0, 4, 5]], rotated.view()[[0, 5, 4]]];
    (-down).atan2(right)
}

fn picture(value: impl Fn(f64, f64) -> f64) -> Tensor<f64> {
    let pixels = (0..81).map(|i| value(f64::from(i % 9) - 4.0, f64::from(i / 9) - 4.0)).collect();
    Tensor::from_shape_vec(&[1, 9, 9], pixels).unwrap()
}

#[test]
fn a_rotation_turns_about_the_centre() {
    let step = Augment::Rotate { degrees: 90.0, fill: 100.0 };
    let mut angles = Vec::new();
    for seed in 0..200 {
        // Bilinear interpolation is exact for a linear picture.
        let rotated = step.apply(&picture(|x, _| x), &mut nn::rng(seed)).unwrap();
        let angle = angle(&rotated);
        angles.push(angle.to_degrees());
        let expected = picture(|x, y| x * angle.cos() - y * angle.sin());
        for (i, (&given, &wanted)) in rotated.view().iter().zip(expected.view()).enumerate() {
            let (x, y) = ((i % 9) as f64 - 4.0, (i / 9) as f64 - 4.0);
            if x.hypot(y) <= 4.0 {
                assert_relative_eq!(given, wanted, epsilon = 1e-12);
            }
        }
        // The same generator turns another picture alike: counterclockwise, y growing downwards.
        let other = step.apply(&picture(|_, y| y), &mut nn::rng(seed)).unwrap();
        assert_relative_eq!(other.view()[[0, 4, 5]], angle.sin(), epsilon = 1e-12);
    }
    assert!(angles.iter().all(|angle| angle.abs() <= 90.0));
    let mean = angles.iter().sum::<f64>() / 200.0;
    // Uniform on ±90°: the mean of 200 has the standard deviation 180 / √12 / √200 = 3.7.
    assert!(mean.abs() < 15.0, "{mean}");
    assert!(angles.iter().any(|angle| *angle > 80.0) && angles.iter().any(|angle| *angle < -80.0));
    // Corners come from outside.
    let half = Augment::Rotate { degrees: 45.0, fill: 100.0 };
    let turned = (0..50).map(|seed| half.apply(&picture(|_, _| 0.0), &mut nn::rng(seed)).unwrap());
    assert!(turned.into_iter().any(|image| image.view()[[0, 0, 0]] == 100.0));
    let none = Augment::rotate(0.0).apply(&image(SQUARE), &mut nn::rng(0)).unwrap();
    assert_eq!(none, image(SQUARE));
}

#[test]
fn noise_has_the_deviation_that_was_set() {
    let zeros = Tensor::<f64>::zeros(&[100, 10, 10]);
    let noisy = Augment::noise(0.3).apply(&zeros, &mut nn::rng(2)).unwrap().to_vec();
    let mean = noisy.iter().sum::<f64>() / 1e4;
    let deviation = (noisy.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 1e4).sqrt();
    // Standard errors: 0.3 / √10⁴ for the mean, 0.3 / √(2·10⁴) for the deviation; within 4.
    assert!(mean.abs() < 0.012 && (deviation - 0.3).abs() < 0.0085, "{mean} {deviation}");
    // Of samples of any shape.
    assert_eq!(
        Augment::noise(0.0).apply(&Tensor::from([1.0]), &mut nn::rng(0)).unwrap().item(),
        1.0
    );
}

#[test]
fn channels_are_changed_alike_and_samples_each_in_its_own_way() {
    let one = picture(|x, y| x + 10.0 * y);
    let steps = [Augment::shift(2), Augment::flip(), Augment::rotate(40.0)];
    for step in steps {
        let colours = Tensor::from_shape_vec(&[1, 2, 9, 9], one.to_vec().repeat(2)).unwrap();
        let changed = step.apply(&colours, &mut nn::rng(4)).unwrap().to_vec();
        assert_eq!(changed[..81], changed[81..]);
        assert_eq!(changed[..81], step.apply(&one, &mut nn::rng(4)).unwrap().to_vec());
        let many = Tensor::from_shape_vec(&[50, 9, 9], one.to_vec().repeat(50)).unwrap();
        let changed = step.apply(&many, &mut nn::rng(4)).unwrap().to_vec();
        assert!(changed.chunks(81).any(|image| image != &changed[..81]));
    }
    // The samples given are not changed, although tensors share their elements.
    let original = image(SQUARE);
    Augment::noise(1.0).apply(&original, &mut nn::rng(0)).unwrap();
    assert_eq!(original, image(SQUARE));
}

#[test]
fn steps_follow_each_other() {
    let add = |amount: f64| Augment::custom(move |mut x, _| x.mapv_inplace(|x| x + amount));
    let double = Augment::custom(|mut x, _| x.mapv_inplace(|x| 2.0 * x));
    let loader = |steps: Vec<Augment<f64>>| {
        let data = Dataset::classification(Tensor::from([1.0]), vec![0], 1).unwrap();
        let loader = DataLoader::new(data, 1).unwrap().augment(steps, 0).unwrap();
        loader.epoch(1).next().unwrap().inputs.item()
    };
    assert_eq!(loader(vec![add(3.0), double.clone()]), 8.0);
    assert_eq!(loader(vec![double, add(3.0)]), 5.0);
}

#[test]
fn steps_that_do_not_fit_are_refused() {
    let loader = || DataLoader::new(counting(4), 2).unwrap();
    let refused = |step: Augment<f64>| text(loader().augment([step], 0));
    assert_eq!(
        refused(Augment::Shift { rows: 3, columns: 0, fill: 0.0 }),
        "Augment::Shift was given rows = 3, but it needs at most the 2 rows of an image"
    );
    assert!(refused(Augment::shift(usize::MAX)).contains("rows"));
    assert!(refused(Augment::Shift { rows: 0, columns: 4, fill: 0.0 }).contains("3 columns"));
    assert!(refused(Augment::Shift { rows: 0, columns: 0, fill: f64::NAN }).contains("fill = NaN"));
    assert!(refused(Augment::Flip { probability: 1.5 }).contains("probability = 1.5"));
    assert!(refused(Augment::rotate(-1.0)).contains("0 to 180"));
    assert!(refused(Augment::Rotate { degrees: 1.0, fill: f64::INFINITY }).contains("fill = inf"));
    for sigma in [-0.1, f64::NAN, f64::INFINITY] {
        assert!(refused(Augment::noise(sigma)).contains("sigma"));
    }
    let flat = DataLoader::new(counting(4).flatten(), 2).unwrap();
    assert_eq!(
        text(flat.augment([Augment::flip()], 0)),
        "Augment::Flip takes samples of shape [rows, columns] or [channels, rows, columns], but \
         they have the shape [6]"
    );
    let scalar = Augment::noise(1.0).apply(&Tensor::scalar(1.0), &mut nn::rng(0));
    assert!(matches!(scalar, Err(DataError::NoAxes { .. })));
    for shape in [[0, 2, 2], [2, 0, 2], [2, 2, 0]] {
        for step in [Augment::shift(0), Augment::flip(), Augment::rotate(5.0)] {
            let changed = step.apply(&Tensor::<f64>::zeros(&shape), &mut nn::rng(0)).unwrap();
            assert_eq!(changed.shape(), shape);
        }
    }
}

// Scaling.

#[test]
fn standardised_features_have_mean_0_and_deviation_1() {
    let (train, test) = iris::<f64>().split(0.3, 0).unwrap();
    let scaler = Standardize::fit(&train).unwrap();
    let scaled = scaler.apply(&train).unwrap().inputs().to_vec();
    for feature in 0..4 {
        let column: Vec<f64> = scaled.iter().skip(feature).step_by(4).copied().collect();
        let mean = column.iter().sum::<f64>() / column.len() as f64;
        let variance = column.iter().map(|x| x * x).sum::<f64>() / column.len() as f64;
        assert_relative_eq!(mean, 0.0, epsilon = 1e-14);
        assert_relative_eq!(variance, 1.0, epsilon = 1e-13);
    }
    // The test set is scaled by the numbers of the training set, not by its own.
    let first = test.inputs().to_vec()[0];
    let expected = (first - scaler.offset()[0]) / scaler.scale()[0];
    assert_eq!(scaler.apply(&test).unwrap().inputs().to_vec()[0], expected);
    let back = scaler.inverse(scaler.apply(&test).unwrap().inputs()).unwrap();
    assert_relative_eq!(back, test.inputs().clone(), epsilon = 1e-14);
    let kept = Scaler::new(&[4], scaler.offset().to_vec(), scaler.scale().to_vec()).unwrap();
    assert_eq!(kept, scaler);
}

#[test]
fn one_scale_for_all_features() {
    let data = counting(4);
    let scaler = Standardize::fit_global(&data).unwrap();
    // 0 to 23: mean 11.5, variance (24² − 1) / 12.
    assert_eq!(scaler.offset(), [11.5]);
    assert_relative_eq!(scaler.scale()[0], (575.0_f64 / 12.0).sqrt(), epsilon = 1e-14);
    assert_eq!(scaler.apply(&data).unwrap().inputs().shape(), [4, 2, 3]);
    let scaler = MinMax::fit_global(&data).unwrap();
    assert_eq!((scaler.offset(), scaler.scale()), (&[0.0][..], &[23.0][..]));
    // One scale fits samples of any shape.
    assert_eq!(scaler.transform(&Tensor::from([[46.0]])).unwrap().item(), 2.0);
}

#[test]
fn constant_features_become_0_exactly() {
    // The sum of ten 0.1 is not 1: a mean would be off, and its rounding error blown up to ±1.
    let inputs: Vec<f64> = (0..10).flat_map(|i| [0.1, f64::from(i)]).collect();
    let inputs = Tensor::from_shape_vec(&[10, 2], inputs).unwrap();
    let data = Dataset::classification(inputs.clone(), vec![0; 10], 1).unwrap();
    for scaler in [Standardize::fit(&data).unwrap(), MinMax::fit(&data).unwrap()] {
        let scaled = scaler.apply(&data).unwrap();
        assert!(scaled.inputs().to_vec().iter().step_by(2).all(|&x| x == 0.0));
        assert_relative_eq!(scaler.inverse(scaled.inputs()).unwrap(), inputs, epsilon = 1e-14);
        // Not a division by 0.
        assert_eq!(scaler.transform(&Tensor::from([[0.6, 0.0]])).unwrap().to_vec()[0], 0.5);
    }
}

#[test]
fn values_are_scaled_and_predictions_scaled_back() {
    let data = line::<f64>(50, 30.0, 200.0, 1.0, 0).unwrap();
    let scaler = Standardize::fit_values(&data).unwrap();
    let scaled = scaler.apply_values(&data).unwrap();
    assert_eq!(scaled.inputs(), data.inputs());
    let (Targets::Values(z), Targets::Values(y)) = (scaled.targets(), data.targets()) else {
        panic!("values")
    };
    assert!(z.to_vec().iter().all(|z| z.abs() < 2.0));
    assert_relative_eq!(scaler.inverse(z).unwrap(), y.clone(), epsilon = 1e-10);
    let labels = counting(2);
    assert!(matches!(Standardize::fit_values(&labels), Err(DataError::NotValues)));
    assert!(matches!(MinMax::fit_values(&labels), Err(DataError::NotValues)));
    assert!(matches!(scaler.apply_values(&labels), Err(DataError::NotValues)));
}

#[test]
fn what_cannot_be_scaled_is_refused() {
    let broken = counting(3).map_inputs(|x| if x == 10.0 { f64::NAN } else { x });
    for result in [Standardize::fit(&broken), MinMax::fit(&broken), MinMax::fit_global(&broken)] {
        let place = "row 1 of the inputs holds NaN at [1, 1]; every number must be finite";
        assert_eq!(text(result), place);
    }
    let scaler = Standardize::fit(&counting(3)).unwrap();
    let other = "the scaler takes samples of shape [2, 3], but they have the shape [6]";
    assert_eq!(text(scaler.apply(&counting(3).flatten())), other);
    assert!(matches!(scaler.transform(&Tensor::scalar(1.0)), Err(DataError::NoAxes { .. })));
    let huge = |x: [f64; 2]| {
        Dataset::classification(Tensor::from([[0.0, x[0]], [1.0, x[1]]]), vec![0; 2], 1).unwrap()
    };
    let wide = huge([-1e308, 1e308]);
    assert!(matches!(MinMax::fit(&wide), Err(DataError::Overflow { feature: 1 })));
    // What can be computed is: the square of 1e200 or 1e-200 cannot be held.
    for size in [1e200, 1e-200] {
        let scaled = Standardize::fit(&huge([-size, size])).unwrap();
        assert_relative_eq!(scaled.scale()[1] / size, 1.0, epsilon = 1e-15);
    }
    let new = |offset: &[f64], scale: &[f64]| Scaler::new(&[2], offset.to_vec(), scale.to_vec());
    assert!(text(new(&[0.0], &[1.0, 1.0])).contains("offsets = 1"));
    assert!(text(new(&[0.0; 2], &[1.0; 3])).contains("scales = 3"));
    assert!(text(new(&[f64::NAN, 0.0], &[1.0; 2])).contains("offset = NaN"));
    assert!(text(new(&[0.0; 2], &[1.0, 0.0])).contains("scale = 0"));
    assert!(Scaler::new(&[usize::MAX, 2], vec![], vec![]).is_err());
}

// Embedded and generated data, series, text.

#[test]
fn the_embedded_data_are_all_there() {
    let iris = iris::<f64>();
    assert_eq!((iris.inputs().shape(), iris.classes()), (&[150, 4][..], Some(3)));
    let means: Vec<f64> = (0..4)
        .map(|feature| iris.inputs().to_vec().iter().skip(feature).step_by(4).sum::<f64>() / 150.0)
        .collect();
    // The means that the data set's description gives, to two digits.
    for (mean, known) in means.iter().zip([5.84, 3.05, 3.76, 1.20]) {
        assert_relative_eq!(*mean, known, epsilon = 0.0085);
    }
    for class in 0..3 {
        assert!(iris.labels().unwrap()[50 * class..50 * (class + 1)].iter().all(|&l| l == class));
    }

    let names = names();
    assert_eq!(names.len(), 8403);
    assert!(names.is_sorted());
    assert!(
        names.iter().all(|name| name.len() >= 2 && name.bytes().all(|b| b.is_ascii_lowercase()))
    );

    let yearly = sunspots_yearly::<f64>().to_vec();
    let monthly = sunspots_monthly::<f64>().to_vec();
    assert_eq!((yearly.len(), monthly.len()), (309, 3126));
    assert_eq!((yearly[0], yearly[308], monthly[0]), (5.0, 2.9, 58.0));
    // The yearly numbers are means of the monthly ones, rounded to 0.1; the sources agree where
    // both are there but for some of the eighteenth century.
    let agree = (1800..=2008).filter(|year| {
        let months = &monthly[(year - 1749) * 12..][..12];
        (months.iter().sum::<f64>() / 12.0 - yearly[year - 1700]).abs() < 0.2
    });
    assert!(agree.count() > 190);
    assert_eq!(digits::<f64>().len(), 1797);
}

#[test]
fn generated_points_lie_where_they_should() {
    for n in [2, 3, 10, 11] {
        let data = circles::<f64>(n, 0.25, 0.0, 0).unwrap();
        let points: Vec<[f64; 2]> =
            data.inputs().to_vec().chunks(2).map(|p| [p[0], p[1]]).collect();
        for (i, [x, y]) in points.iter().enumerate() {
            assert_relative_eq!(x.hypot(*y), [1.0, 0.25][i % 2], epsilon = 1e-12);
            let apart = |[a, b]: &[f64; 2]| (a - x).hypot(b - y) > 1e-3;
            assert!(points.iter().enumerate().all(|(j, other)| i == j || apart(other)));
        }
    }
    let data = blobs::<f64>(3000, 3, 0.1, 1).unwrap();
    for class in 0..3 {
        let of_class: Vec<_> = (class..3000).step_by(3).collect();
        let points = data.select(&of_class).unwrap();
        assert!(points.labels().unwrap().iter().all(|&label| label == class));
        let angle = std::f64::consts::TAU * class as f64 / 3.0;
        for (axis, centre) in [angle.cos(), angle.sin()].into_iter().enumerate() {
            let mean = points.inputs().to_vec().iter().skip(axis).step_by(2).sum::<f64>() / 1e3;
            // The mean of 1000 has the standard deviation 0.1 / √1000 = 0.0032.
            assert!((mean - centre).abs() < 0.013, "{class} {mean} {centre}");
        }
    }
    let noisy = line::<f64>(1000, 2.0, 1.0, 0.5, 3).unwrap();
    let Targets::Values(values) = noisy.targets() else { panic!("values") };
    let off: f64 = (noisy.inputs().to_vec().iter().zip(values.to_vec()))
        .map(|(x, y)| (y - 2.0 * x - 1.0).powi(2))
        .sum();
    // The standard error of a deviation of 1000 is 0.5 / √2000 = 0.011.
    assert!(((off / 1e3).sqrt() - 0.5).abs() < 0.045);
    assert_eq!(noisy, line(1000, 2.0, 1.0, 0.5, 3).unwrap());
    assert_ne!(noisy, line(1000, 2.0, 1.0, 0.5, 4).unwrap());
}

#[test]
fn generators_refuse_settings_that_make_no_data() {
    assert!(text(circles::<f64>(1, 0.5, 0.0, 0)).contains("circles was given n = 1"));
    for factor in [0.0, 1.0, -0.5, f64::NAN] {
        assert!(text(circles::<f64>(10, factor, 0.0, 0)).contains("factor"));
    }
    assert!(text(circles::<f64>(10, 0.5, -1.0, 0)).contains("noise = -1"));
    assert!(text(blobs::<f64>(10, 0, 0.1, 0)).contains("classes = 0"));
    assert!(text(blobs::<f64>(2, 3, 0.1, 0)).contains("n = 2"));
    assert!(text(blobs::<f64>(10, 2, f64::NAN, 0)).contains("spread = NaN"));
    assert!(text(line::<f64>(1, 1.0, 0.0, 0.0, 0)).contains("n = 1"));
    assert!(text(line::<f64>(5, f64::NAN, 0.0, 0.0, 0)).contains("slope"));
    assert!(text(line::<f64>(5, 1.0, f64::INFINITY, 0.0, 0)).contains("intercept"));
    assert!(text(line::<f64>(usize::MAX, 1.0, 0.0, 0.0, 0)).contains("16777216"));
}

#[test]
fn windows_hold_what_precedes_their_values() {
    let series = Tensor::from([0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
    let data = windows(&series, 3, 2).unwrap();
    assert_eq!(data.inputs().shape(), [2, 3, 1]);
    assert_eq!(data.inputs().to_vec(), [0., 1., 2., 1., 2., 3.]);
    let values = Tensor::from([[3.0, 4.0], [4.0, 5.0]]);
    assert_eq!(data.targets(), &Targets::Values(values));

    let pairs = Tensor::from([[0.0, 10.0], [1.0, 11.0], [2.0, 12.0], [3.0, 13.0]]);
    let data = windows(&pairs, 2, 1).unwrap();
    assert_eq!(data.inputs().shape(), [2, 2, 2]);
    assert_eq!(data.inputs().to_vec(), [0., 10., 1., 11., 1., 11., 2., 12.]);
    let Targets::Values(values) = data.targets() else { panic!("values") };
    assert_eq!((values.shape(), values.to_vec()), (&[2, 1, 2][..], vec![2., 12., 3., 13.]));
    // A series that is laid out across.
    let across = Tensor::from(pairs.view().reversed_axes());
    assert_eq!(windows(&across, 1, 1).unwrap().inputs().to_vec(), [0., 1., 2., 3.]);

    assert_eq!(windows(&series, 5, 1).unwrap().len(), 1);
    let short = "a series of 6 steps is too short for windows of 4 steps with 3 following; 7 are \
                 needed";
    assert_eq!(text(windows(&series, 4, 3)), short);
    assert!(windows(&series, usize::MAX, usize::MAX).is_err());
    assert!(text(windows(&series, 0, 1)).contains("length = 0"));
    assert!(text(windows(&series, 1, 0)).contains("horizon = 0"));
    assert!(matches!(
        windows(&Tensor::<f64>::zeros(&[9, 1, 1]), 1, 1),
        Err(DataError::SampleShape { .. })
    ));
    assert!(windows(&Tensor::<f64>::zeros(&[9, 0]), 1, 1).is_err());
}

#[test]
fn a_vocabulary_there_and_back() {
    let names = names().join("\n");
    let vocabulary = Vocabulary::new(&names);
    assert_eq!(vocabulary.len(), 27);
    assert_eq!((vocabulary.index('\n'), vocabulary.index('z')), (Some(0), Some(26)));
    assert_eq!(vocabulary.index('A'), None);
    assert_eq!(vocabulary.decode(&vocabulary.encode(&names).unwrap()).unwrap(), names);
    let wide = Vocabulary::new("größer 😀");
    assert_eq!(wide.decode(&wide.encode("ß😀").unwrap()).unwrap(), "ß😀");
    assert_eq!(
        text(vocabulary.decode(&[1, 27])),
        "index 27 at position 1 is not in the vocabulary of 27"
    );
    assert!(matches!(
        vocabulary.encode("abC"),
        Err(DataError::Character { character: 'C', position: 2, size: 27 })
    ));
    assert!(Vocabulary::new("").is_empty());
}
