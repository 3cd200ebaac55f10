//! Any bytes as a table; the first says how it is to be read.

#![no_main]

use libfuzzer_sys::fuzz_target;
use nn::data::{Column, CsvOptions, CsvTargets, Missing, read_csv_from};

fuzz_target!(|bytes: &[u8]| {
    let Some((&how, table)) = bytes.split_first() else { return };
    let options = CsvOptions {
        header: how & 1 == 0,
        targets: match how >> 1 & 3 {
            0 => CsvTargets::Labels(Column::Last),
            1 => CsvTargets::Classes(Column::First),
            2 => CsvTargets::Values(vec![Column::Index(1)]),
            _ => CsvTargets::Inputs,
        },
        missing: match how >> 3 & 3 {
            0 => Missing::Refuse,
            1 => Missing::FillMean,
            _ => Missing::DropRows,
        },
        delimiter: if how >> 5 & 1 == 0 { b',' } else { b';' },
        ..CsvOptions::default()
    };
    if let Ok(data) = read_csv_from::<f64>(table, options) {
        data.check_finite().expect("what is read is finite");
        let names = data.class_names().map(<[String]>::len);
        assert!(names.is_none() || names == data.classes());
    }
});
